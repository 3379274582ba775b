#!/usr/bin/env python3
"""Opens a page in headless Chromium and prints its DOM: browse.py URL WORD PROFILE_DIRECTORY

The DOM is printed once it contains WORD, at the latest after 20 seconds. Chromium is driven by the DevTools protocol
over two pipes, because --dump-dom does not wait for what a page receives after it has loaded.
"""

import json
import os
import select
import subprocess
import sys
import time

SECONDS_MAX = 20


class Browser:
    def __init__(self, profile):
        to_read, self.out = os.pipe()
        self.inn, to_write = os.pipe()

        def place_pipes():
            # Chromium reads commands from descriptor 3 and writes to 4.
            ends = os.dup(to_read), os.dup(to_write)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--remote-debugging-pipe", "--user-data-dir=" + profile],
            close_fds=False, preexec_fn=place_pipes, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        self.buffer, self.serial = b"", 0
        self.deadline = time.monotonic() + SECONDS_MAX

    def call(self, method, session=None, **parameters):
        self.serial += 1
        message = {"id": self.serial, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.buffer:
                left = self.deadline - time.monotonic()
                if left <= 0 or not select.select([self.inn], [], [], left)[0]:
                    sys.exit("chromium does not answer")
                piece = os.read(self.inn, 65536)
                if not piece:
                    sys.exit("chromium has exited")
                self.buffer += piece
            line, self.buffer = self.buffer.split(b"\0", 1)
            answer = json.loads(line)
            if answer.get("id") == self.serial:
                return answer.get("result", {})


def main():
    url, word, profile = sys.argv[1:]
    browser = Browser(profile)
    try:
        target = browser.call("Target.createTarget", url=url)["targetId"]
        session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        dom = ""
        while word not in dom and time.monotonic() < browser.deadline - 1:
            expression = "document.documentElement.outerHTML"
            dom = browser.call("Runtime.evaluate", session, expression=expression).get("result", {}).get("value", "")
            time.sleep(0.1)
        print(dom)
    finally:
        browser.process.kill()
        browser.process.wait()


main()
