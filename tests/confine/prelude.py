"""What every attempt in python has: short names, raw system calls, and a way to tell that the host has answered."""
import array, ctypes, errno, fcntl, mmap, os, select, signal, socket, struct, subprocess, sys, threading, time

E = os.environ
W, RW, HOME, N = E["W"], E["RW"], E["HOME"], E["N"]
BESIDE = W + "/beside"
VICTIM = int(E["VICTIM"])
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def call(number, *args):
    """One system call; a failure is an OSError."""
    args = [ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    done = libc.syscall(ctypes.c_long(number), *args)
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return done


def answered(s):
    """The host answers whoever reaches it with one letter."""
    s.settimeout(3)
    assert s.recv(1) == b"R"


def unix(path, kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_UNIX, kind)
    s.connect(path)
    return s


def asks(path, kind=socket.SOCK_DGRAM):
    """A datagram out, and the answer on a name of our own."""
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind(f"{RW}/back{N}")
    s.sendto(b"?", path)
    return s


def has(path, text="SECRET"):
    with open(path, errors="replace") as f:
        assert text in f.read()


def child(act):
    """Does it in a child, and fails as it does."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
            os._exit(0)
        except BaseException as error:
            print(error, file=sys.stderr)
            os._exit(9)
    assert os.waitpid(pid, 0)[1] == 0


def thread(act):
    """Does it in a thread, and fails as it does."""
    went = []
    t = threading.Thread(target=lambda: (act(), went.append(1)))
    t.start()
    t.join()
    assert went


def status(label):
    for line in open("/proc/self/status"):
        if line.startswith(label + ":"):
            return line.split(":")[1].strip()


try:
    exec(compile(sys.argv[1], "attempt", "exec"))
except BaseException as error:
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    os._exit(9)
sys.stdout.flush()
os._exit(0)
