"""Opens, uses and closes a library of more than 1 MB 10,000 times in one run, and measures as it goes.

The guest tells the size of its memory; the host's resident memory is what /proc says meanwhile. By the first tenth, the
guest's allocator has what it needs: from there on its memory has the same size. The host's may still grow by 2 MiB until
the half, for what it keeps about libraries that are gone is bounded, but not yet full. From there to the end it grows by
no more than 512 KiB, which is 100 bytes each time; a library that stayed would be thousands of times as much. Other builds
than a release, which keep what was freed for a while, do it 1,000 times, and only the guest is measured.
"""

import os
import subprocess
import sys
from pathlib import Path

IS_RELEASE = Path(os.environ["TENON"]).parts[-3] == "release"
ROUNDS = int(sys.argv[1]) // (1 if IS_RELEASE else 10)
EVERY = ROUNDS // 10
SLACK_KIB = 2048
SLACK_IN_SECOND_HALF_KIB = 512

if Path("liblibrary.so").stat().st_size < 1_000_000:
    sys.exit("the library is smaller than it should be")
command = [os.environ["TENON"], "run", *os.environ["TENON_TEST_OPTIONS"].split(), *sys.argv[2:], str(ROUNDS), str(EVERY)]
process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
measured = []
for line in process.stdout:
    try:
        done, pages = map(int, line.split())
    except ValueError:
        sys.exit(f"the program said: {line}")
    status = Path(f"/proc/{process.pid}/status").read_text()
    resident = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    measured.append((done, pages, resident))
    process.stdin.write("\n")
    process.stdin.flush()
if process.wait() != 0 or len(measured) != 10:
    sys.exit(f"exit {process.returncode} after {measured}")
first, middle, last = measured[0], measured[4], measured[-1]
if any(pages != first[1] for _, pages, _ in measured):
    sys.exit(f"the guest's memory grew from {first[1]} to {last[1]} pages: {measured}")
if IS_RELEASE and (last[2] > first[2] + SLACK_KIB or last[2] > middle[2] + SLACK_IN_SECOND_HALF_KIB):
    sys.exit(f"the host's memory grew from {first[2]} over {middle[2]} to {last[2]} KiB: {measured}")
print("flat")
