//! A descriptor goes from one process to another over a socket between them. No memory is asked for.

use std::os::fd::RawFd;

use crate::sys::{self, Done};

/// What a message of [`send`] carries besides: one byte, because nothing cannot be sent.
const TOKEN: [u8; 1] = [1];

#[repr(C, align(8))]
struct Control([u8; 32]);

/// Sends a descriptor over a socket.
pub(crate) fn send(socket: RawFd, fd: RawFd) -> Done {
    with_message(|message, control| {
        control.0[..16].copy_from_slice(&header());
        control.0[16..20].copy_from_slice(&fd.to_ne_bytes());
        message.msg_controllen = 20;
        // SAFETY: the message and all that it points to outlive the call.
        sys::done(unsafe { libc::sendmsg(socket, message, 0) } as i64).map(drop)
    })
}

/// Takes a descriptor from a socket; none where the other side closed it instead.
pub(crate) fn receive(socket: RawFd) -> Option<RawFd> {
    with_message(|message, control| {
        // SAFETY: the message and all that it points to outlive the call.
        let read = sys::done(unsafe { libc::recvmsg(socket, message, libc::MSG_CMSG_CLOEXEC) } as i64)?;
        let fd = control.0[16..20].try_into().map(i32::from_ne_bytes).map_err(|_| libc::EINVAL)?;
        if read == 1 && control.0[..16] == header() { Ok(fd) } else { Err(libc::ENODATA) }
    })
    .ok()
}

fn header() -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&20u64.to_ne_bytes());
    bytes[8..12].copy_from_slice(&libc::SOL_SOCKET.to_ne_bytes());
    bytes[12..].copy_from_slice(&libc::SCM_RIGHTS.to_ne_bytes());
    bytes
}

fn with_message<T>(act: impl FnOnce(&mut libc::msghdr, &mut Control) -> Done<T>) -> Done<T> {
    let (mut control, mut token) = (Control([0; 32]), TOKEN);
    let mut piece = libc::iovec { iov_base: token.as_mut_ptr().cast(), iov_len: 1 };
    // SAFETY: all bytes zero is a valid value of this plain structure.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of::<Control>() as _;
    act(&mut message, &mut control)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;
    use crate::sys::close;

    #[test]
    fn a_descriptor_goes_over_a_socket() {
        let (a, b) = std::os::unix::net::UnixStream::pair().expect("a pair");
        let file = tempfile::tempfile().expect("a file");
        send(a.as_raw_fd(), file.as_raw_fd()).expect("sent");
        let fd = receive(b.as_raw_fd()).expect("received");
        assert_ne!(fd, file.as_raw_fd());
        close(fd);
        drop(a);
        assert_eq!(receive(b.as_raw_fd()), None);
    }
}
