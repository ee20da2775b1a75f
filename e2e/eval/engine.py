"""Alcove's own engine for Python: the program `llm-engine` of crate `bench`, spoken to over its standard streams."""

import json
import subprocess


class Engine:
    """One model in a process of its own."""

    def __init__(self, program, model, context=2048):
        command = [program, "--model", model, "--context", str(context)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, what, **arguments):
        """Send a command; gives its answer, a dictionary."""
        self.process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"llm-engine ended with {self.process.wait()}.")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"llm-engine says: {answer['error']}")
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()
