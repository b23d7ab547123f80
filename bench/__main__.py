"""`make bench`: every measurement, one after the other, each in a process of its own."""

import subprocess
import sys

SCRIPTS = ("speakers", "exports", "overhead", "serving", "broadcast", "lists", "webhooks", "lambda_overhead")

if __name__ == "__main__":
    codes = [subprocess.run([sys.executable, "-m", f"bench.{script}"], check=False).returncode for script in SCRIPTS]
    sys.exit(max(codes))
