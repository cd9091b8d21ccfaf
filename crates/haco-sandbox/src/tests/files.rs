//! Which files a job sees, and which of them it may write.

use super::*;

#[test]
fn nothing_in_the_home_can_be_read_or_written() {
    let home = PathBuf::from(std::env::var_os("HOME").expect("a home"));
    let below = tempfile::tempdir_in(&home).expect("a directory");
    let secret = below.path().join("secret");
    fs::write(&secret, "s").expect("written");
    let copy = Copy::new();
    copy.refuses(&format!("cat {}", secret.display()));
    copy.refuses(&format!("touch {}", home.join(below.path().file_name().expect("a name")).display()));
    assert_eq!(copy.says("echo $HOME; ls -A $HOME; echo x >$HOME/x; cat $HOME/x"), "/tmp/home\nx\n");
}

#[test]
fn credentials_of_a_toolchain_stay_hidden_while_it_is_shown() {
    let copy = Copy::new();
    let home = PathBuf::from(std::env::var_os("HOME").expect("a home"));
    let tools = tempfile::Builder::new().prefix("tools").tempdir_in(&home).expect("a directory");
    let bin = tools.path().join("bin");
    fs::create_dir(&bin).expect("made");
    fs::write(tools.path().join("credentials.toml"), "token").expect("written");
    fs::write(bin.join("tool"), "x").expect("written");
    let mut copy = Copy { env: copy.env.clone(), ..copy };
    copy.env[0].1 = format!("{}:{}", bin.display(), copy.env[0].1);
    assert_eq!(copy.says(&format!("cat {}", bin.join("tool").display())), "x");
    copy.refuses(&format!("cat {}", tools.path().join("credentials.toml").display()));
    copy.refuses(&format!("touch {}", bin.join("tool").display()));
}

#[test]
fn only_the_copy_can_be_written_and_what_is_written_there_stays() {
    let copy = Copy::new();
    let beside = tempfile::tempdir().expect("a directory");
    assert_eq!(copy.sh("mkdir d && echo kept > d/f && mv d/f g && ln g h && echo x > /dev/null").end, End::Exited(0));
    assert_eq!(fs::read_to_string(copy.path("g")).expect("it stays"), "kept\n");
    copy.sh(&format!("echo x > {}/f", beside.path().display()));
    assert_eq!(fs::read_dir(beside.path()).expect("listed").count(), 0);
    copy.sh(
        "echo x > /tmp/escaped-from-haco; echo x > /dev/shm/escaped-from-haco; echo x > /var/tmp/escaped-from-haco; \
         echo x > /run/escaped-from-haco",
    );
    for dir in ["/tmp", "/dev/shm", "/var/tmp", "/run"] {
        assert!(!Path::new(dir).join("escaped-from-haco").exists(), "{dir}");
    }
    let inside = "for d in / /etc /usr /proc/self/root/etc /proc/1/root/etc /sys /dev /var /home /proc/sys/kernel; do \
                  echo x > $d/haco && echo $d; done 2>/dev/null; mount -o remount,rw / 2>/dev/null && echo remounted; true";
    assert_eq!(copy.says(inside), "");
}

#[test]
fn a_link_out_of_the_copy_leads_nowhere_that_can_be_written() {
    let copy = Copy::new();
    let beside = tempfile::tempdir_in("/var/tmp").expect("a directory");
    std::os::unix::fs::symlink(beside.path(), copy.path("out")).expect("linked");
    copy.refuses("echo x > out/f");
}

#[test]
fn no_device_but_the_harmless_ones_can_be_opened() {
    let copy = Copy::new();
    let said = copy.says("for f in /dev/* /dev/.*; do test -b $f && echo block $f; test -c $f && echo $f; done; true");
    let known = ["full", "null", "ptmx", "random", "tty", "urandom", "zero"].map(|name| format!("/dev/{name}\n"));
    assert_eq!(said, known.concat());
    assert_eq!(copy.says("ls /dev/pts; ls /dev/shm"), "ptmx\n");
    assert!(matches!(copy.sh("mknod d c 1 3 && echo x > d").end, End::Exited(1..)));
}

#[test]
fn what_is_to_be_hidden_is_empty_and_what_is_to_be_written_wins() {
    let mut copy = Copy::new();
    let repository = tempfile::tempdir_in("/opt").or_else(|_| tempfile::tempdir()).expect("a directory");
    let file = repository.path().join("secret");
    fs::write(&file, "s").expect("written");
    fs::create_dir(repository.path().join("copy")).expect("made");
    copy.rw.push(repository.path().join("copy"));
    copy.hide = vec![repository.path().to_owned(), PathBuf::from("/etc/hostname")];
    let dir = repository.path().display();
    assert_eq!(
        copy.says(&format!("ls {dir}; echo x > {dir}/copy/new; touch {dir}/y 2>/dev/null || echo no")),
        "copy\nno\n"
    );
    assert!(repository.path().join("copy/new").exists());
    copy.refuses("cat /etc/hostname");
}

#[test]
fn what_is_shown_read_only_can_be_read_and_not_written() {
    let copy = Copy::new();
    let beside = tempfile::tempdir().expect("a directory");
    fs::write(beside.path().join("f"), "seen").expect("written");
    let ro = [beside.path().to_owned()];
    let command = format!("cat {0}/f; echo x > {0}/f || echo no", beside.path().display());
    let job = copy.job(Program::Shell(&command), b"");
    let job = Job { files: Files { ro: &ro, ..job.files }, ..job };
    assert_eq!(run(&job).expect("it runs").stdout.text(), "seenno\n");
    copy.refuses(&format!("cat {}/f", beside.path().display()));
}
