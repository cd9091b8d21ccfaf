//! haco manual: write the man pages of the six programs, and of the commands that are of use without the rest of haco, from
//! the same declarations that parse their arguments.

use crate::{exit::Outcome, output::Out, programs::commands};
use anyhow::Result;
use clap::Command;
use clap_mangen::Man;
use std::{
    io::{self, Write},
    path::PathBuf,
};

/// A command with a page of its own.
struct Alone {
    command: &'static str,
    page: &'static str,
    /// What the page says around the options, which stand at the line [`OPTIONS`].
    text: &'static str,
    see: &'static str,
}

const ALONE: [Alone; 6] = [
    Alone {
        command: "edit",
        page: "haco-edit",
        text: include_str!("edit/manual.roff"),
        see: "\\fBpatch\\fR(1), \\fBgit\\-apply\\fR(1)",
    },
    Alone {
        command: "confine",
        page: "haco-confine",
        text: include_str!("confine/manual.roff"),
        see: "\\fBtimeout\\fR(1), \\fBbwrap\\fR(1), \\fBlandlock\\fR(7), \\fBuser_namespaces\\fR(7)",
    },
    Alone {
        command: "replay",
        page: "haco-replay",
        text: include_str!("replay/manual.roff"),
        see: "\\fBhaco\\-worker\\fR(1), \\fBhaco\\-verify\\fR(1), \\fBhaco\\-audit\\fR(1)",
    },
    Alone {
        command: "key",
        page: "haco-key",
        text: include_str!("key/manual.roff"),
        see: "\\fBhaco\\-config\\fR(5), \\fBpass\\fR(1), \\fBage\\fR(1), \\fBgpg\\fR(1), \\fBsecret\\-tool\\fR(1)",
    },
    Alone {
        command: "report",
        page: "haco-report",
        text: include_str!("report/manual.roff"),
        see: "\\fBhaco\\-config\\fR(5), \\fBhaco\\fR(7)",
    },
    Alone {
        command: "calibrate",
        page: "haco-calibrate",
        text: include_str!("calibrate/manual.roff"),
        see: "\\fBhaco\\-report\\fR(1), \\fBhaco\\-config\\fR(5)",
    },
];

/// What a program's page says beside its options.
const MORE: [(&str, &str); 1] = [("haco-worker", include_str!("man/worker.roff"))];

const OPTIONS: &str = ".\\\" options\n";

/// Write the man pages of the six programs and of the commands that stand alone
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    fs_err::create_dir_all(&args.dir)?;
    let pages = pages()?;
    for (name, page) in &pages {
        fs_err::write(args.dir.join(name), page)?;
        out.line(name)?;
    }
    Ok(Outcome::yes().with("pages", pages.into_iter().map(|(name, _)| name).collect::<Vec<_>>()))
}

/// Each page with its file's name.
pub fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let (haco, others) = commands();
    let alone = ALONE.iter().map(|of| Ok((format!("{}.1", of.page), alone(&haco, of)?)));
    let alone: Vec<io::Result<(String, Vec<u8>)>> = alone.collect();
    let programs = [haco].into_iter().chain(others);
    programs.map(|program| Ok((format!("{}.1", program.get_name()), page(program)?))).chain(alone).collect()
}

/// The page of one of haco's commands, with the options that all have and a text of its own.
fn alone(haco: &Command, of: &Alone) -> io::Result<Vec<u8>> {
    let mut haco = haco.clone();
    haco.build();
    let command = haco.find_subcommand(of.command).expect("what stands alone is a command").clone();
    let source = format!("haco {}", haco.get_version().unwrap_or_default());
    let man = Man::new(command.clone().name(of.page)).source(source).manual("haco");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    let (before, after) = of.text.split_once(OPTIONS).expect("the text says where the options stand");
    page.extend(before.bytes());
    man.render_options_section(&mut page)?;
    page.extend(after.bytes());
    writeln!(page, ".SH \"SEE ALSO\"\n\\fBhaco\\fR(1), \\fBhaco\\fR(7), {}", of.see)?;
    Ok(page)
}

/// A program's page; its commands are sections of it.
fn page(program: Command) -> io::Result<Vec<u8>> {
    let name = program.get_name().to_owned();
    let commands: Vec<Command> = program.get_subcommands().filter(|c| !c.is_hide_set()).cloned().collect();
    let source = format!("{name} {}", program.get_version().unwrap_or_default());
    let man = Man::new(program.disable_help_subcommand(true)).source(source).manual("haco");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if !commands.is_empty() {
        writeln!(page, ".SH COMMANDS")?;
    }
    for command in commands {
        section(&name, command, &mut page)?;
    }
    man.render_options_section(&mut page)?;
    let more = MORE.iter().filter(|(of, _)| *of == name);
    more.for_each(|(_, text)| page.extend(text.bytes()));
    writeln!(page, ".SH \"EXIT STATUS\"\nThe status is the verdict; \\fBhaco\\fR(7) lists all of them.")?;
    writeln!(page, ".SH \"SEE ALSO\"\n\\fBhaco\\fR(7), \\fBhaco\\-ticket\\fR(5), \\fBhaco\\-config\\fR(5)")?;
    Ok(page)
}

/// One command: how it is called, what it does, its own options.
fn section(program: &str, command: Command, page: &mut Vec<u8>) -> io::Result<()> {
    let called = format!("{program} {}", command.get_name());
    let mut command = command.disable_help_flag(true).bin_name(called);
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").split_whitespace().collect::<Vec<_>>().join(" ");
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    writeln!(page, ".SS \"{}\"\n{}.", escaped(&usage).replace('"', "\\(dq"), escaped(&about))?;
    if command.get_arguments().any(|a| !a.is_hide_set()) {
        let mut options = Vec::new();
        Man::new(command).render_options_section(&mut options)?;
        let options = String::from_utf8_lossy(&options).replace(".SH OPTIONS\n", "");
        // The definitions of characters stand in the title's part already.
        page.extend(options.lines().filter(|l| !l.starts_with(".ie") && !l.starts_with(".el")).flat_map(with_end));
    }
    Ok(())
}

fn with_end(line: &str) -> Vec<u8> {
    format!("{line}\n").into_bytes()
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_page_a_program_and_haco_has_every_command() {
        let pages = pages().expect("pages");
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        let programs = ["haco.1", "haco-plan.1", "haco-worker.1", "haco-verify.1", "haco-audit.1", "haco-ship.1"];
        assert_eq!(names[..6], programs);
        assert_eq!(names[6..], ALONE.map(|of| format!("{}.1", of.page)));
        let haco = String::from_utf8_lossy(&pages[0].1);
        for command in commands().0.get_subcommands().filter(|c| !c.is_hide_set()) {
            assert!(haco.contains(&format!(".SS \"haco {}", command.get_name())), "{}", command.get_name());
        }
        assert!(!haco.contains("manual \\-\\-dir"));
    }
}
