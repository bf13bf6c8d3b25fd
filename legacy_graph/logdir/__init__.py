"""Read and write log directories: event files, layout, dashboards."""
