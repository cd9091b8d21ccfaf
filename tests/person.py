"""A person at a pseudo-terminal who answers y to the first question: for scripts that measure or break programs."""

import os, pty, time


def answers(words, directory, environment, patience=120):
    """Status and screen of a program that asks a person."""
    pid, screen = pty.fork()
    if pid == 0:
        os.chdir(directory)
        os.execvpe(words[0], words, environment)
    seen, answered, until = b"", False, time.time() + patience
    while time.time() < until:
        try:
            piece = os.read(screen, 4096)
        except OSError:  # the kernel says so when nobody holds the other side any more
            break
        if not piece:
            break
        seen += piece
        if not answered and b"[y/N] " in seen:
            os.write(screen, b"y\n")
            answered = True
    os.close(screen)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode(errors="replace")
