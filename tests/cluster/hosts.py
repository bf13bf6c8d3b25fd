"""Simulated hosts: network namespaces, joined by a bridge with links of a given speed. Needs Linux and root."""

import os
import subprocess

PORT = 2222
# Arguments of tc for the token bucket of each link; the burst is the data of 4 ms.
LINKS = {"unlimited": None, "10 Gbit/s": "10gbit burst 5mb latency 50ms", "1 Gbit/s": "1gbit burst 500kb latency 50ms"}


class Hosts:
    """`count` hosts with the addresses 10.0.0.1, 10.0.0.2 ... Create it inside a network namespace."""

    def __init__(self, count):
        self._holders = []
        _run("ip link add bridge type bridge")
        _run("ip link set bridge up")
        for number in range(1, count + 1):
            holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
            self._holders.append(holder)
            while os.readlink(f"/proc/{holder.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
                pass
            _run(f"ip link add port{number} master bridge type veth peer name eth0 netns {holder.pid}")
            _run(f"ip link set port{number} up")
            for command in ("link set lo up", f"addr add 10.0.0.{number}/24 dev eth0", "link set eth0 up"):
                self._inside(number, "ip " + command)
        self._limited = False

    def addresses(self):
        return [f"10.0.0.{number}:{PORT}" for number in range(1, len(self._holders) + 1)]

    def enter(self, number):
        """The words to put before a command, so that it runs on host `number`, counted from 0."""
        return ["nsenter", "--target", str(self._holders[number].pid), "--net", "--"]

    def limit(self, link):
        """Limit all links to a speed of `LINKS`, in both directions."""
        for number in range(1, len(self._holders) + 1):
            for device, run in (
                (f"port{number}", _run),
                ("eth0", lambda words, host=number: self._inside(host, words)),
            ):
                if self._limited:
                    run(f"tc qdisc del dev {device} root")
                if LINKS[link]:
                    run(f"tc qdisc add dev {device} root tbf rate {LINKS[link]}")
        self._limited = bool(LINKS[link])

    def sent(self):
        """Bytes that all hosts have sent."""
        with open("/proc/net/dev", encoding="ascii") as file:  # this file, unlike /sys, shows this network namespace
            lines = [line.split(":") for line in file if line.strip().startswith("port")]
        return sum(int(numbers.split()[0]) for _, numbers in lines)

    def close(self):
        for holder in self._holders:
            holder.kill()
            holder.wait()

    def _inside(self, number, words):
        subprocess.run([*self.enter(number - 1), *words.split()], check=True)


def _run(words):
    subprocess.run(words.split(), check=True)
