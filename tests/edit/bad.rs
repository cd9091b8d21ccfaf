//! What goes wrong with what is typed and what is there.

use super::{all, half_wrong, here, reply};
use crate::want::{any, has};
use std::{
    fs,
    os::unix::{ffi::OsStringExt, fs::symlink},
};

#[test]
fn what_is_typed_wrongly_is_named() {
    let sandbox = here();
    sandbox.write(".git/hooks/x", "");
    symlink(".git/hooks", sandbox.path("to-git")).expect("links");
    let before = all(&sandbox);
    for (words, part) in [
        (&["-C", "nowhere", "--target", "a"][..], "haco: cannot open 'nowhere': no such file or directory\n"),
        (&["-C", "greet.py", "--target", "a"], "haco: cannot open 'greet.py': not a directory\n"),
        (
            &["-C", ".git/hooks", "--target", "a"],
            "haco: '.git/hooks' is below .git or .haco, where nothing is edited\n",
        ),
        (&["-C", "to-git", "--target", "a"], "haco: 'to-git' is below .git or .haco, where nothing is edited\n"),
        (&["--target", "greet.py", "gone.md"], "haco: cannot read 'gone.md': No such file or directory"),
        (&["--target", "greet.py", "lib"], "haco: cannot read 'lib': Is a directory"),
        (&["--target", "lib"], "haco: --target 'lib': it is a directory, not a regular file\n"),
        (&["--target", "greet.py", "--new", "lib"], "haco: --new 'lib': it is a directory, not a regular file\n"),
        (&["--target", "greet.py/x"], "haco: --target 'greet.py/x': 'greet.py' is a regular file, not a directory\n"),
        (&["--target", "*.txt"], "haco: --target '*.txt': it matches no file\n"),
        (&["--target", "../*.py"], "haco: --target '../*.py': it means no path"),
        (&["--target", "/etc/*"], "haco: --target '/etc/*': it means no path"),
        (&["--target", "/*"], "haco: --target '/*': it means no path"),
        (&["--target", "greet.py", "--new", "lib/../*"], "haco: --new 'lib/../*': it means no path"),
        (&["--target", "../greet.py"], "haco: --target: '../greet.py' is not a path inside"),
        (&["--target", "/etc/passwd"], "haco: --target: '/etc/passwd' is not a path inside"),
        (&["--target", "lib/../greet.py"], "haco: --target: 'lib/../greet.py' is not a path inside"),
        (&["--target", ".git/config"], "haco: --target: '.git/config' is not a path inside"),
        (&["--target", "a\nb"], "haco: --target: 'a\\nb' is not a path inside"),
        (&["--target", ""], "haco: --target: '' is not a path inside"),
        (&[], "--target <PATH>"),
        (&["--target", "greet.py", "--format", "prose"], "possible values: auto"),
        (&["--target", "greet.py", "--check", "--stdout"], "cannot be used with"),
    ] {
        let words = [&["haco", "edit"][..], words].concat();
        sandbox.run(&words).stdin(reply()).gives(2, "", has(part));
    }
    assert_eq!(all(&sandbox), before);
}

#[test]
fn only_a_regular_file_with_one_name_is_a_target() {
    let sandbox = here();
    symlink("greet.py", sandbox.path("link.py")).expect("links");
    symlink("lib", sandbox.path("dirlink")).expect("links");
    fs::hard_link(sandbox.path("lib/util.py"), sandbox.path("hard.py")).expect("links");
    sandbox.run(&["mkfifo", "fifo.py"]).gives(0, "", "");
    sandbox.write("setuid.py", "x = 1\n").run(&["chmod", "4755", "setuid.py"]).gives(0, "", "");
    for (target, part) in [
        ("link.py", "it is a symbolic link"),
        ("dirlink/util.py", "'dirlink' is a symbolic link, not a directory"),
        ("hard.py", "it has 2 names"),
        ("fifo.py", "it is a FIFO"),
        ("setuid.py", "set-user-ID"),
    ] {
        let said = format!("haco: --target '{target}': [..]{part}[..]\n");
        sandbox.run(&["haco", "edit", "--target", target]).stdin("x").gives(2, "", said);
    }
    let every = ["haco", "edit", "--target", "**"];
    for link in ["link.py", "dirlink/util.py", "fifo.py", "hard.py"] {
        sandbox.run(&every).stdin(format!("{link}\n```\nx = 3\n```\n")).gives(1, "", has("out_of_scope"));
    }
    assert_eq!(fs::read_link(sandbox.path("link.py")).expect("reads").to_str(), Some("greet.py"));
}

#[test]
fn a_directory_may_be_named_by_a_link_or_by_any_bytes() {
    let sandbox = here();
    symlink(sandbox.path(""), sandbox.path("../by-link")).expect("links");
    sandbox.run(&["haco", "edit", "-C", "../by-link", "--target", "greet.py"]).stdin(reply()).gives(
        0,
        "greet.py\n",
        "",
    );
    for name in [&b"new\nline"[..], b"not\xffutf-8", b"-C"] {
        let sandbox = here();
        let dir = sandbox.path("").join(std::ffi::OsString::from_vec(name.to_vec()));
        fs::create_dir(&dir).expect("makes");
        fs::rename(sandbox.path("greet.py"), dir.join("greet.py")).expect("moves");
        let words = ["haco", "edit", "--target", "greet.py"];
        sandbox.run(&words).within(&dir).stdin(reply()).gives(0, "greet.py\n", "");
        let script = "printf '\\0' | haco edit -C ./* --target greet.py --target lib -q; exit $?";
        fs::create_dir(dir.join("lib")).expect("makes");
        fs::remove_dir_all(sandbox.path("lib")).expect("removes");
        sandbox.run(&["sh", "-c", script]).gives(2, "", has("--target 'lib'"));
    }
}

#[test]
fn a_reply_that_is_no_text_or_too_long_is_refused_and_not_a_mistake_of_the_caller() {
    let sandbox = here();
    let before = all(&sandbox);
    let words = ["haco", "edit", "--target", "greet.py"];
    sandbox.run(&words).stdin(b"greet.py\n```\n\xff\n```\n".to_vec()).gives(1, "", has("not UTF-8 text: byte 14"));
    sandbox.run(&words).stdin(b"greet.py\n```\nx\0\n```\n".to_vec()).gives(1, "", has("NUL"));
    sandbox.run(&words).stdin("").gives(1, "", has("empty_reply"));
    sandbox.run(&words).stdin(vec![b'a'; 17 << 20]).gives(1, "", has("16 MiB"));
    sandbox.run(&["haco", "edit", "--target", "greet.py", "/dev/zero"]).gives(1, "", any());
    assert_eq!(all(&sandbox), before);
}

#[test]
fn a_file_that_is_no_text_is_refused_and_stays() {
    let sandbox = here();
    sandbox.write("bin.dat", b"\0\xff\x01").write("latin.txt", b"caf\xe9\n");
    for target in ["bin.dat", "latin.txt"] {
        let reply = format!("{target}\n```\nx\n```\n");
        sandbox.run(&["haco", "edit", "--target", target]).stdin(reply).gives(1, "", has(target));
    }
    assert_eq!(fs::read(sandbox.path("bin.dat")).expect("reads"), b"\0\xff\x01");
}

#[test]
fn what_may_not_be_read_or_written_is_74_and_nothing_changes() {
    let sandbox = here();
    sandbox.write("reply.md", reply()).write("half.md", half_wrong());
    let before = all(&sandbox);
    // Modes keep nobody out but an ordinary user.
    let is_root = sandbox.run(&["id", "-u"]).gives(0, any(), "").stdout == "0\n";
    let user = if is_root { "chown -R 65534 . && exec setpriv --reuid=65534 --clear-groups" } else { "exec" };
    let as_user = |prepared: &str, part: &'static str| {
        let script = format!("chmod 755 .. && {prepared} && {user} haco edit --target greet.py reply.md");
        sandbox.run(&["sh", "-c", &script]).gives(74, "", has(part));
    };
    as_user("chmod 000 greet.py", "cannot read 'greet.py': permission denied");
    as_user("chmod 644 greet.py && chmod 555 .", "cannot write 'greet.py': permission denied; nothing was changed");
    sandbox.run(&["chmod", "755", "."]).gives(0, "", "");
    assert_eq!(all(&sandbox), before);
}
