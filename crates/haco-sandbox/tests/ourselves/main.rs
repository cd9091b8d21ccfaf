//! A process that confined itself tries to get out. Every attempt is made twice, by a process of its own each time:
//! outside it must succeed, inside it must be refused, and also where one of the two walls is missing, as far as the
//! other goes; as root and as an ordinary user. What such a process is for must work inside.

#[cfg(target_os = "linux")]
mod attempts;
#[cfg(target_os = "linux")]
mod missing;
#[cfg(target_os = "linux")]
mod world;

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("inside" | "outside" | "filter alone" | "fence alone" | "victim") => world::one(&words),
        _ => world::all(),
    }
}
