//! The attempts, and what must work.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Error, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::path::Path;
use std::time::{Duration, SystemTime};

use libc::c_long;

use crate::world::World;

/// Who can do it outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Anybody,
    Root,
}
use By::{Anybody, Root};

type Done = io::Result<()>;
type Row = (&'static str, By, fn(&World) -> Done);

/// What must succeed outside and be refused inside.
pub const ATTEMPTS: &[Row] = &[
    // Files.
    ("reads a secret", Anybody, |w| fs::read(w.path("secret")).map(drop)),
    ("reads a secret through its own root", Anybody, |w| fs::read(under_root(&w.path("secret"))).map(drop)),
    ("reads the accounts", Anybody, |_| fs::read("/etc/passwd").map(drop)),
    ("reads its own environment", Anybody, |_| fs::read("/proc/self/environ").map(drop)),
    ("reads the environment of another", Anybody, |w| fs::read(format!("/proc/{}/environ", w.victim)).map(drop)),
    ("reads the memory map of another", Anybody, |w| fs::read(format!("/proc/{}/maps", w.victim)).map(drop)),
    ("reads what was open when it began", Anybody, inherited),
    ("lists a directory", Anybody, |w| fs::read_dir(&w.dir).map(drop)),
    ("asks whether a file is there", Anybody, |w| fs::metadata(w.path("secret")).map(drop)),
    ("opens a directory by handle alone", Anybody, |w| path_call(libc::SYS_openat, &w.dir, libc::O_PATH as c_long, 0)),
    ("makes a file", Anybody, |w| fs::write(w.path("beside/new"), "x")),
    ("writes to a file", Anybody, |w| OpenOptions::new().append(true).open(w.path("beside/file"))?.write_all(b"x")),
    ("cuts a file short", Anybody, |w| path_call(libc::SYS_truncate, &w.path("beside/file"), -1, 0)),
    ("removes a file", Anybody, |w| fs::remove_file(w.path("beside/file"))),
    ("moves a file", Anybody, |w| fs::rename(w.path("beside/file"), w.path("beside/moved"))),
    ("makes a directory", Anybody, |w| fs::create_dir(w.path("beside/new"))),
    ("makes a symbolic link", Anybody, |w| symlink(w.path("secret"), w.path("beside/new"))),
    ("makes a hard link", Anybody, |w| fs::hard_link(w.path("secret"), w.path("beside/new"))),
    ("makes a pipe with a name", Anybody, |w| mknod(w, libc::S_IFIFO, 0)),
    ("makes a device", Root, |w| mknod(w, libc::S_IFCHR, 0x103)),
    ("changes a file's mode", Anybody, |w| fs::set_permissions(w.path("beside/file"), Permissions::from_mode(0o777))),
    ("changes a file's time", Anybody, |w| path_call(libc::SYS_utimensat, &w.path("beside/file"), 0, 0)),
    ("goes elsewhere", Anybody, |w| std::env::set_current_dir(&w.dir)),
    ("changes its root", Root, |w| std::os::unix::fs::chroot(&w.dir)),
    ("watches files", Anybody, |_| call(libc::SYS_inotify_init1, [0; 6])),
    ("makes a file in memory", Anybody, |_| memfd().map(drop)),
    // Programs and processes.
    ("becomes another program", Anybody, |_| exec(c"/bin/true")),
    ("becomes a program in memory", Anybody, |_| exec_memory()),
    ("starts a process", Anybody, |_| child(libc::SYS_clone, [libc::SIGCHLD.into(), 0, 0, 0, 0, 0])),
    ("starts a process in the new way", Anybody, |_| {
        // Flags, three places for numbers, the signal at its end, and a stack that is the old one's copy.
        let asked = [0, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0];
        child(libc::SYS_clone3, [asked.as_ptr() as c_long, 64, 0, 0, 0, 0])
    }),
    ("makes memory that can be executed", Anybody, |_| map((libc::PROT_READ | libc::PROT_EXEC).into(), 4096)),
    ("signals another process", Anybody, |w| call(libc::SYS_kill, [w.victim.into(), 0, 0, 0, 0, 0])),
    ("signals its parent", Root, |_| call(libc::SYS_kill, [std::os::unix::process::parent_id().into(), 0, 0, 0, 0, 0])),
    ("signals a thread of another", Anybody, |w| {
        call(libc::SYS_tgkill, [w.victim.into(), w.victim.into(), 0, 0, 0, 0])
    }),
    ("signals a thread by its number alone", Anybody, |w| call(libc::SYS_tkill, [w.victim.into(), 0, 0, 0, 0, 0])),
    ("takes hold of another process", Anybody, |w| call(libc::SYS_pidfd_open, [w.victim.into(), 0, 0, 0, 0, 0])),
    ("has signals sent for it", Anybody, |w| {
        call(libc::SYS_fcntl, [0, libc::F_SETOWN.into(), w.victim.into(), 0, 0, 0])
    }),
    ("traces another process", Anybody, |w| {
        call(libc::SYS_ptrace, [libc::PTRACE_SEIZE as c_long, w.victim.into(), 0, 0, 0, 0])
    }),
    ("reads another's memory", Anybody, read_memory),
    ("looks at another's limits", Anybody, |w| {
        let mut now = [0u64; 2];
        call(libc::SYS_prlimit64, [w.victim.into(), 7, 0, now.as_mut_ptr() as c_long, 0, 0])
    }),
    ("has another wait", Anybody, |w| call(libc::SYS_setpriority, [0, w.victim.into(), 19, 0, 0, 0])),
    ("leaves its session", Anybody, |_| call(libc::SYS_setsid, [0; 6])),
    // Network and local sockets.
    ("connects to the model by itself", Anybody, |w| TcpStream::connect(("127.0.0.1", w.model_port)).map(drop)),
    ("connects to another port", Anybody, |w| TcpStream::connect(("127.0.0.1", w.other_port)).map(drop)),
    ("turns its connection elsewhere", Anybody, |_| unspecified()),
    ("sends a datagram", Anybody, |w| {
        UdpSocket::bind("127.0.0.1:0")?.send_to(b"x", ("127.0.0.1", w.other_port)).map(drop)
    }),
    ("listens", Anybody, |_| TcpListener::bind("127.0.0.1:0").map(drop)),
    ("connects to a local socket", Anybody, |w| UnixStream::connect(w.path("socket")).map(drop)),
    ("connects to a local socket without a path", Anybody, |w| {
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(&w.name)?).map(drop)
    }),
    ("makes a local datagram socket", Anybody, |_| UnixDatagram::unbound().map(drop)),
    ("makes a pair of sockets", Anybody, |_| UnixStream::pair().map(drop)),
    ("speaks IPv6", Anybody, |_| socket(libc::AF_INET6, libc::SOCK_STREAM, 0)),
    ("speaks netlink", Anybody, |_| socket(libc::AF_NETLINK, libc::SOCK_DGRAM, 0)),
    ("speaks raw", Root, |_| socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP)),
    ("takes packets", Root, |_| socket(libc::AF_PACKET, libc::SOCK_RAW, 0)),
    ("binds its connection to a device", Root, |_| {
        let name = c"lo";
        let option = libc::SO_BINDTODEVICE;
        call(libc::SYS_setsockopt, [0, libc::SOL_SOCKET.into(), option.into(), name.as_ptr() as c_long, 3, 0])
    }),
    ("has a descriptor do what it may not", Anybody, |_| {
        let mut waiting: libc::c_int = 0;
        call(libc::SYS_ioctl, [0, libc::FIONREAD as c_long, (&raw mut waiting) as c_long, 0, 0, 0])
    }),
    // The kernel.
    ("makes a user namespace", Anybody, |_| call(libc::SYS_unshare, [libc::CLONE_NEWUSER.into(), 0, 0, 0, 0, 0])),
    ("makes a mount namespace", Root, |_| call(libc::SYS_unshare, [libc::CLONE_NEWNS.into(), 0, 0, 0, 0, 0])),
    ("makes a key", Anybody, |_| {
        let (kind, name, secret) = (c"user", c"haco", b"x");
        let [kind, name, secret] = [kind.as_ptr() as c_long, name.as_ptr() as c_long, secret.as_ptr() as c_long];
        call(libc::SYS_add_key, [kind, name, secret, 1, libc::KEY_SPEC_PROCESS_KEYRING.into(), 0])
    }),
    ("makes a ring for input and output", Anybody, |_| {
        let mut parameters = [0u64; 15];
        call(libc::SYS_io_uring_setup, [1, parameters.as_mut_ptr() as c_long, 0, 0, 0, 0])
    }),
    ("makes shared memory", Anybody, |_| call(libc::SYS_shmget, [0, 4096, 0o1600, 0, 0, 0])),
    ("makes a queue of messages", Anybody, |_| call(libc::SYS_msgget, [0, 0o1600, 0, 0, 0, 0])),
    ("makes a timer that signals", Anybody, |_| {
        let mut timer: libc::c_int = 0;
        call(libc::SYS_timer_create, [0, 0, (&raw mut timer) as c_long, 0, 0, 0])
    }),
    ("asks what machine this is", Anybody, |_| {
        let mut name = [0u8; 512];
        call(libc::SYS_uname, [name.as_mut_ptr() as c_long, 0, 0, 0, 0, 0])
    }),
    ("lets others look into it", Anybody, |_| call(libc::SYS_prctl, [libc::PR_SET_DUMPABLE.into(), 1, 0, 0, 0, 0])),
    ("outlives who started it", Anybody, |_| call(libc::SYS_prctl, [libc::PR_SET_PDEATHSIG.into(), 0, 0, 0, 0, 0])),
    ("becomes another user", Root, |_| call(libc::SYS_setresuid, [1, 1, 1, 0, 0, 0])),
    ("takes all memory", Anybody, |_| map((libc::PROT_READ | libc::PROT_WRITE).into(), 8 << 30)),
];

/// Those of them that Landlock refuses by itself, and since which of its versions.
const FENCED: &[(&str, c_long)] = &[
    ("reads a secret", 1),
    ("reads a secret through its own root", 1),
    ("reads the accounts", 1),
    ("lists a directory", 1),
    ("makes a file", 1),
    ("writes to a file", 1),
    ("removes a file", 1),
    ("moves a file", 1),
    ("makes a directory", 1),
    ("makes a symbolic link", 1),
    ("makes a hard link", 1),
    ("makes a pipe with a name", 1),
    ("makes a device", 1),
    ("becomes another program", 1),
    ("cuts a file short", 3),
    ("connects to the model by itself", 4),
    ("connects to another port", 4),
    ("listens", 4),
    ("signals another process", 6),
    ("signals its parent", 6),
    ("connects to a local socket without a path", 6),
];

/// Whether this machine's Landlock refuses an attempt by itself.
pub fn is_fenced(name: &str) -> bool {
    let version = answer(libc::SYS_landlock_create_ruleset, [0, 0, 1, 0, 0, 0]).unwrap_or(0);
    FENCED.iter().any(|(fenced, since)| *fenced == name && *since <= version)
}

/// What must work inside.
pub const ORDINARY: &[Row] = &[
    ("reads and writes its connection", Anybody, |_| {
        let mut connection = File::from(std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?);
        let mut reply = [0; 5];
        connection.read_exact(&mut reply)?;
        connection.write_all(&reply)
    }),
    ("starts threads", Anybody, |_| {
        let threads = (0..4).map(|n| std::thread::Builder::new().spawn(move || vec![n; 1 << 20]));
        threads
            .collect::<io::Result<Vec<_>>>()?
            .into_iter()
            .try_for_each(|thread| thread.join().map(drop).map_err(|_| Error::other("a thread panicked")))
    }),
    ("waits and tells the time", Anybody, |_| {
        std::thread::sleep(Duration::from_millis(1));
        SystemTime::now().elapsed().map(drop).map_err(Error::other)
    }),
    ("takes memory for a large reply", Anybody, |_| {
        let body = vec![b'x'; 64 << 20];
        if body[1 << 20..].iter().all(|byte| *byte == b'x') { Ok(()) } else { Err(Error::other("other memory")) }
    }),
    ("has randomness", Anybody, |_| {
        let mut bytes = [0u8; 16];
        call(libc::SYS_getrandom, [bytes.as_mut_ptr() as c_long, 16, 0, 0, 0, 0])
    }),
];

/// A system call by its number, whose arguments outlive it.
fn answer(number: c_long, [a, b, c, d, e, f]: [c_long; 6]) -> io::Result<c_long> {
    // SAFETY: every caller passes numbers, or pointers to memory of the size that the call takes.
    match unsafe { libc::syscall(number, a, b, c, d, e, f) } {
        -1 => Err(Error::last_os_error()),
        answer => Ok(answer),
    }
}

fn call(number: c_long, args: [c_long; 6]) -> Done {
    answer(number, args).map(drop)
}

/// A call about a path: with a directory before it, but for truncate(2).
fn path_call(number: c_long, path: &Path, first: c_long, second: c_long) -> Done {
    let path = CString::new(path.as_os_str().as_bytes()).expect("no zero byte");
    let at = c_long::from(libc::AT_FDCWD);
    match number {
        libc::SYS_truncate => call(number, [path.as_ptr() as c_long, 0, 0, 0, 0, 0]),
        _ => call(number, [at, path.as_ptr() as c_long, first, second, 0, 0]),
    }
}

fn under_root(path: &Path) -> std::path::PathBuf {
    Path::new("/proc/self/root").join(path.strip_prefix("/").expect("absolute"))
}

fn inherited(world: &World) -> Done {
    let mut byte = [0u8; 1];
    call(libc::SYS_read, [world.inherited.into(), byte.as_mut_ptr() as c_long, 1, 0, 0, 0])
}

fn mknod(world: &World, kind: libc::mode_t, device: c_long) -> Done {
    path_call(libc::SYS_mknodat, &world.path("beside/new"), c_long::from(kind | 0o600), device)
}

fn memfd() -> io::Result<c_long> {
    answer(libc::SYS_memfd_create, [c"x".as_ptr() as c_long, 0, 0, 0, 0, 0])
}

fn exec(path: &std::ffi::CStr) -> Done {
    let argv = [path.as_ptr(), std::ptr::null()];
    call(libc::SYS_execve, [path.as_ptr() as c_long, argv.as_ptr() as c_long, 0, 0, 0, 0])
}

fn exec_memory() -> Done {
    let file = memfd()?;
    fs::copy("/bin/true", format!("/proc/self/fd/{file}"))?;
    let (empty, argv) = (c"", [c"true".as_ptr(), std::ptr::null()]);
    let flags = c_long::from(libc::AT_EMPTY_PATH);
    call(libc::SYS_execveat, [file, empty.as_ptr() as c_long, argv.as_ptr() as c_long, 0, flags, 0])
}

/// Starts a process that ends at once.
fn child(number: c_long, args: [c_long; 6]) -> Done {
    match answer(number, args)? {
        // SAFETY: ends the new process without running anything of the old one's.
        0 => unsafe { libc::_exit(0) },
        _ => Ok(()),
    }
}

fn map(protection: c_long, bytes: c_long) -> Done {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    call(libc::SYS_mmap, [0, bytes, protection, flags.into(), -1, 0])
}

fn read_memory(world: &World) -> Done {
    // Nothing is read: whether one may is decided before.
    call(libc::SYS_process_vm_readv, [world.victim.into(), 0, 0, 0, 0, 0])
}

fn socket(family: libc::c_int, kind: libc::c_int, protocol: libc::c_int) -> Done {
    call(libc::SYS_socket, [family.into(), kind.into(), protocol.into(), 0, 0, 0])
}

/// Dissolves the connection, after which it could be made anew.
fn unspecified() -> Done {
    let address = [0u8; 16];
    call(libc::SYS_connect, [0, address.as_ptr() as c_long, 16, 0, 0, 0])
}
