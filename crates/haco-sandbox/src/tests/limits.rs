//! Time, output, memory, processes and file sizes, for the whole tree of processes.

use super::*;

#[test]
fn the_time_out_ends_daemons_and_what_ignores_signals() {
    let mut copy = Copy::new();
    copy.limits.timeout = Duration::from_millis(500);
    for command in [
        "exec 9>fifo; echo up; setsid sleep 1000 & wait",
        "exec 9>fifo; echo up; trap '' TERM INT HUP; while :; do sleep 1; done",
        "exec 9>fifo; echo up; kill -STOP $$",
    ] {
        let mut fifo = copy.fifo("fifo");
        let ended = copy.sh(command);
        assert_eq!((ended.end, ended.stdout.text().as_str()), (End::TimedOut, "up\n"), "{command}");
        assert_eq!(fifo.read(&mut [0; 8]).expect("nobody holds it"), 0, "{command}");
        fs::remove_file(copy.path("fifo")).expect("removed");
    }
}

#[test]
fn a_daemon_does_not_outlive_the_command_that_left_it() {
    let copy = Copy::new();
    let mut fifo = copy.fifo("fifo");
    assert_eq!(copy.says("exec 9>fifo; setsid sleep 1000 & echo done"), "done\n");
    assert_eq!(fifo.read(&mut [0; 8]).expect("nobody holds it"), 0);
}

#[test]
fn endless_output_is_bounded_and_counted() {
    let mut copy = Copy::new();
    copy.limits.output_bytes = 1000;
    let ended = copy.sh("yes | head -c 1000000000; echo last; echo err >&2");
    assert_eq!(ended.stdout.bytes, 1_000_000_005);
    assert_eq!(ended.stdout.dropped, ended.stdout.bytes - 1000);
    assert!(ended.stdout.head.starts_with(b"y\ny\n") && ended.stdout.tail.ends_with(b"y\nlast\n"));
    assert_eq!(ended.stderr.text(), "err\n");
}

#[test]
fn memory_of_all_processes_together_is_bounded() {
    let mut copy = Copy::new();
    copy.limits.mem_bytes = Some(200 << 20);
    let eat = "exec python3 -c 'b=bytearray(b\"x\")*(80<<20); import time; time.sleep(1000)'";
    let ended = copy.sh(&format!("({eat}) & ({eat}) & ({eat}) & wait"));
    assert_eq!(ended.end, End::Limit(LimitKind::Memory));
}

#[test]
fn processes_and_file_sizes_are_bounded() {
    let mut copy = Copy::new();
    copy.limits.processes = 50;
    let ended = copy.sh("i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done; wait");
    let refused = ended.stderr.text().contains("fork");
    assert!(ended.end == End::Limit(LimitKind::Processes) || refused, "{:?} {}", ended.end, ended.stderr.text());
    copy.limits = Limits { file_size: 1 << 20, ..Limits::default() };
    assert_eq!(copy.sh("exec head -c 9000000 /dev/zero > big").end, End::Limit(LimitKind::FileSize));
    assert_eq!(fs::metadata(copy.path("big")).expect("it is there").len(), 1 << 20);
}
