//! The tables of attempts. An attempt is a line `* name`, lines `! option`, and `py` or `sh` code that ends well where the
//! attempt succeeds; what is indented goes on the line before.

use super::world::Account;

/// One attempt to get out.
#[derive(Default)]
pub struct Attempt {
    pub name: String,
    pub argv: Vec<String>,
    /// Who can do it outside; anybody, where nobody is named.
    pub only: Option<Account>,
    /// More options for `haco confine`.
    pub with: Vec<String>,
    /// The path outside that a success leaves behind.
    pub leaves: Option<String>,
    /// Whether a success is a process that lives on, and holds the pipe with a name.
    pub survives: bool,
    /// Whether it does not end by itself.
    pub endless: bool,
}

/// All attempts of a table for one account.
pub fn read(text: &str, account: Account) -> Vec<Attempt> {
    let mut all: Vec<Attempt> = Vec::new();
    for line in text.lines() {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (mark, all.last_mut()) {
            ("*", _) => all.push(Attempt { name: rest.to_owned(), ..Attempt::default() }),
            ("!", Some(attempt)) => option(attempt, rest),
            ("py", Some(attempt)) => {
                attempt.argv = ["/usr/bin/python3", "-ES", "@prelude", rest].map(str::to_owned).to_vec();
            }
            ("sh", Some(attempt)) => attempt.argv = ["sh", "-c", rest].map(str::to_owned).to_vec(),
            ("", Some(attempt)) => {
                let code = attempt.argv.last_mut().expect("there is code to go on with");
                code.push('\n');
                code.push_str(line.strip_prefix("   ").unwrap_or(line));
            }
            _ => panic!("what is '{line}'?"),
        }
    }
    assert!(all.iter().all(|attempt| !attempt.argv.is_empty()), "an attempt has no code");
    all.retain(|attempt| attempt.only.is_none_or(|only| only == account));
    all
}

fn option(attempt: &mut Attempt, text: &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "root" => attempt.only = Some(Account::Root),
        "user" => attempt.only = Some(Account::Ordinary),
        "with" => attempt.with.extend(rest.split(' ').map(str::to_owned)),
        "leaves" => attempt.leaves = Some(rest.to_owned()),
        "survives" => attempt.survives = true,
        "time" => attempt.endless = true,
        _ => panic!("what is '{text}'?"),
    }
}

#[test]
fn attempts_are_read_with_their_options() {
    let text = "* one\n! root\n! leaves $W/x\npy a\n   b\n     c\n* two\n! with --mem 1M\nsh true";
    let [one, two] = &read(text, Account::Root)[..] else { panic!("two") };
    assert_eq!((one.argv[3].as_str(), one.leaves.as_deref()), ("a\nb\n  c", Some("$W/x")));
    assert_eq!((two.with.concat(), two.argv.concat()), ("--mem1M".to_owned(), "sh-ctrue".to_owned()));
    assert_eq!(read(text, Account::Ordinary).len(), 1);
}
