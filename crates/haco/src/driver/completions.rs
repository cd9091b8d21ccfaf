//! haco completions: print completions for a shell.

use crate::{
    exit::Outcome,
    output::Out,
    programs::{THROUGH_HACO, commands},
};
use anyhow::Result;
use clap::ValueEnum;
use clap_complete::{Shell, generate};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub struct Args {
    /// For all six programs
    #[arg(value_name = "SHELL")]
    shell: Wanted,
}

/// The shells that are known.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Wanted {
    Bash,
    Zsh,
    Fish,
}

/// Runs the command.
pub fn run(args: Args, out: &mut Out) -> Result<Outcome> {
    let text = script(args.shell);
    out.bytes(&text)?;
    Ok(Outcome::yes().with("script", String::from_utf8_lossy(&text).into_owned()))
}

/// haco's own script with the others behind it; `haco plan` is completed as `haco-plan` is.
fn script(shell: Wanted) -> Vec<u8> {
    let shell = match shell {
        Wanted::Bash => Shell::Bash,
        Wanted::Zsh => Shell::Zsh,
        Wanted::Fish => Shell::Fish,
    };
    let mut text = Vec::new();
    let (mut haco, others) = commands();
    for (name, other) in THROUGH_HACO.iter().zip(&others) {
        haco = haco.subcommand(other.clone().name(*name));
    }
    generate(shell, &mut haco, "haco", &mut text);
    for mut other in others {
        let name = other.get_name().to_owned();
        generate(shell, &mut other, name, &mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_completed_in_every_shell() {
        for shell in [Wanted::Bash, Wanted::Zsh, Wanted::Fish] {
            let text = String::from_utf8(script(shell)).expect("text");
            for program in THROUGH_HACO {
                assert!(text.contains(&format!("haco-{program}")), "{shell:?} {program}");
            }
        }
    }
}
