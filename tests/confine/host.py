"""The machine around the sandbox, for attempts to reach: servers of every family, a victim, shared memory, keys.

    host.py DIRECTORY

Prints what attempts have to know, as one line of JSON, and ends with its standard input."""
import ctypes, json, os, select, socket, subprocess, sys, threading, time

W = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
facts, sockets = {}, {}


def stream(name, family, address, kind=socket.SOCK_STREAM):
    s = socket.socket(family, kind)
    s.bind(address)
    s.listen(64)
    sockets[s] = "stream"
    facts[name] = s.getsockname()[1] if family != socket.AF_UNIX else address
    return s


def datagram(name, family, address):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind(address)
    sockets[s] = "datagram"
    facts[name] = s.getsockname()[1] if family != socket.AF_UNIX else address


stream("TCP4", socket.AF_INET, ("0.0.0.0", 0))
stream("TCP6", socket.AF_INET6, ("::", 0))
datagram("UDP4", socket.AF_INET, ("0.0.0.0", 0))
datagram("UDP6", socket.AF_INET6, ("::", 0))
unique = f"haco-{os.getpid()}"
stream("ABSTRACT", socket.AF_UNIX, "\0" + unique)
stream("ABSTRACTSEQ", socket.AF_UNIX, "\0" + unique + "-seq", socket.SOCK_SEQPACKET)
datagram("ABSTRACTDGRAM", socket.AF_UNIX, "\0" + unique + "-dgram")
for name in ("ABSTRACT", "ABSTRACTSEQ", "ABSTRACTDGRAM"):
    facts[name] = facts[name][1:]
for where in ("beside", "rw", "shown", "rw/share", "rw/deep"):
    stream(where, socket.AF_UNIX, f"{W}/{where}/s")
    del facts[where]
stream("short", socket.AF_UNIX, f"{W}/rw/fourteen.sockt")
stream("seq", socket.AF_UNIX, f"{W}/rw/seq", socket.SOCK_SEQPACKET)
datagram("dgram", socket.AF_UNIX, f"{W}/rw/dgram")
for name in ("short", "seq", "dgram"):
    del facts[name]
os.link(f"{W}/rw/s", f"{W}/rw/hard")
os.symlink(f"{W}/beside/s", f"{W}/rw/out")

libc.shmget.restype = libc.msgget.restype = ctypes.c_int
key = os.getpid()
shm = libc.shmget(key, 4096, 0o1600)
queue = libc.msgget(key, 0o1600)
mq = libc.syscall(240, unique.encode(), os.O_CREAT | os.O_RDWR, 0o600, None)
facts.update(KEY=key, MQ=unique)
with open(f"/dev/shm/{unique}", "w") as f:
    f.write("SECRET")

victim = subprocess.Popen(["sleep", "1000"], env={"SECRET": "SECRET"}, cwd=f"{W}/beside", stdin=open(f"{W}/beside/secret"))
facts.update(VICTIM=victim.pid)


def late():
    """Listens where somebody asks for it, a moment later."""
    while True:
        for name in os.listdir(f"{W}/rw"):
            path = f"{W}/rw/{name}"
            if name.startswith("ask") and "." not in name and not os.path.exists(path + ".late"):
                stream("late", socket.AF_UNIX, path + ".part")
                del facts["late"]
                os.rename(path + ".part", path + ".late")
        time.sleep(0.02)


threading.Thread(target=late, daemon=True).start()
print(json.dumps({name: str(value) for name, value in facts.items()}), flush=True)
while True:
    ready = select.select([sys.stdin, *sockets], [], [], 0.1)[0]
    if sys.stdin in ready:
        break
    for s in ready:
        if sockets[s] == "stream":
            connection = s.accept()[0]
            try:
                connection.send(b"R")
            except OSError:
                pass
            connection.close()
        else:
            try:
                s.sendto(b"R", s.recvfrom(16)[1])
            except (OSError, TypeError):
                pass
victim.kill()
libc.shmctl(shm, 0, None)
libc.msgctl(queue, 0, None)
libc.syscall(241, unique.encode())
os.unlink(f"/dev/shm/{unique}")
