"""What the user can mend, told in one line."""


class UserError(Exception):
    """Bad input: the message names the thing, what was expected, what came and what to do.

    The command line prints it without a traceback and leaves with exit status 2.
    """
