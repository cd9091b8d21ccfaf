//! A disk that is full, a rename that fails, a process that is killed.

use super::{all, here, reply};
use crate::want::{any, has};

/// A shell's words with mounts of their own.
fn apart(script: &str) -> [&str; 6] {
    ["unshare", "--user", "--map-root-user", "--mount", "sh", script]
}

#[test]
fn a_full_disk_changes_nothing_at_whatever_file_it_becomes_full() {
    let sandbox = here();
    sandbox.write(
        "full.sh",
        "mkdir disk && mount -t tmpfs -o size=48k none disk && cd disk
         for n in 1 2 3 4; do head -c 8000 /dev/zero | tr '\\0' 'a' > f$n; done
         for n in 1 2 3 4; do printf 'f%s\\n```\\n' $n; head -c 7000 /dev/zero | tr '\\0' 'b'; printf '\\n```\\n'; done > ../big.md
         cat f? | cksum > ../before
         haco edit --target 'f?' ../big.md; echo status $?
         cat f? | cksum | cmp - ../before && ls -A
         haco edit --target f1 --target f2 --target f3 --target f4 --check ../big.md",
    );
    let said = "haco: cannot write 'f[..]': no space left on device; nothing was changed\n";
    let out = "status 74\nf1\nf2\nf3\nf4\nf1\nf2\nf3\nf4\n";
    sandbox.run(&apart("full.sh")).gives(0, out, said);
}

#[test]
fn a_rename_that_fails_takes_back_those_before_it() {
    let sandbox = here();
    sandbox.write(
        "busy.sh",
        "mkdir held && cp greet.py held/a && cp greet.py held/b && cp greet.py held/c && chmod 750 held/a && cd held
         mount --bind b b
         for f in a b new/x; do printf '%s\\n```\\nchanged\\n```\\n' $f; done > ../three.md
         printf -- '--- a/c\\n+++ /dev/null\\n@@ -1,2 +0,0 @@\\n-def greet():\\n-    return \"hello\"\\n' >> ../three.md
         haco edit --target a --target b --target c --new new/x ../three.md; echo status $?
         cmp a ../greet.py && cmp b ../greet.py && cmp c ../greet.py && stat -c %a a && ls -A",
    );
    let said = "haco: cannot write 'b': [..]busy; nothing was changed\n";
    sandbox.run(&apart("busy.sh")).gives(0, "status 74\n750\na\nb\nc\n", said);
}

#[test]
fn a_file_size_limit_kills_and_the_next_command_cleans_up() {
    let sandbox = here();
    sandbox.write("reply.md", format!("greet.py\n```\n{}```\n", "x = 1\n".repeat(20_000)));
    let before = all(&sandbox);
    let limited = ["sh", "-c", "ulimit -f 16; haco edit --target greet.py reply.md"];
    let done = sandbox.run(&limited).done();
    assert_ne!(done.status, 0, "{done:?}");
    let left: Vec<_> = all(&sandbox).into_iter().filter(|f| !before.contains(f)).collect();
    assert!(left.iter().all(|(name, _)| name.starts_with(".haco-edit.")), "{left:?}");
    sandbox.run(&["haco", "edit", "--target", "greet.py"]).stdin(reply()).gives(0, "greet.py\n", "");
    assert!(all(&sandbox).iter().all(|(name, _)| !name.starts_with(".haco-edit.")));
}

#[test]
fn two_at_once_take_turns() {
    let sandbox = here();
    sandbox.write("lock.sh", "exec 9<. && flock 9 && haco edit --target greet.py reply.md").write("reply.md", reply());
    let said = has("another process is changing files below '.'");
    sandbox.run(&["sh", "lock.sh"]).gives(75, "", said);
    sandbox.run(&["haco", "edit", "--check", "--target", "greet.py", "reply.md"]).gives(0, any(), "");
}
