"""A broker of our own for the scripts here: `tidings broker` on a free port, with a folder that goes with it."""

import shutil
import socket
import subprocess
import sys
import tempfile


class Broker:
    def __init__(self, program, **properties):
        self.folder = tempfile.mkdtemp(prefix="tidings-compatibility-")
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.bootstrap = f"127.0.0.1:{listener.getsockname()[1]}"
        command = [program, "broker", "--listen", self.bootstrap, "--data-dir", f"{self.folder}/data"]
        for name, value in properties.items():
            command += ["--config", f"{name.replace('_', '.')}={value}"]
        with open(f"{self.folder}/log", "w") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        if not any("ready at" in line for line in iter(self.process.stdout.readline, "")):
            sys.exit("the broker does not start")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.folder)
