//! Kinds of key times spellings, keys of our own in every spelling, and what is no secret.

use super::samples::{Dice, FORMS, SPELLINGS};
use super::*;

/// Whether nothing of a secret is left: no stretch of eight of its characters, in its spelling.
fn is_gone(secret: &str, text: &str) -> bool {
    let characters: Vec<char> = secret.chars().collect();
    // The words of a private key's frame are no secret.
    let open = |part: &str| part.contains("-----") || part.contains("PRIVATE") || part.contains("hooks.");
    characters.windows(8).map(|part| part.iter().collect::<String>()).all(|part| open(&part) || !text.contains(&part))
}

#[test]
fn every_kind_is_found_in_every_spelling_of_its_line_and_of_itself() {
    let (mut dice, mut missed, mut all) = (Dice(7), Vec::new(), 0);
    assert!(FORMS.len() >= 24);
    for (kind, form) in FORMS {
        for (spelling, spell) in SPELLINGS {
            for _ in 0..20 {
                let [before, secret, after] = dice.line(form);
                let line = [before.as_str(), &secret, &after].concat();
                let texts =
                    [format!("fn f() {{}}\n{}\n", spell(&line)), format!("{before}{}{after}\n", spell(&secret))];
                for text in texts {
                    all += 1;
                    let redacted = redact(&text);
                    let left = spell(&secret);
                    if !redacted.contains("[redacted:") || spelling == "plain" && !is_gone(&left, &redacted) {
                        missed.push(format!("{kind}, {spelling}: {text} → {redacted}"));
                    }
                }
            }
        }
    }
    let kinds: std::collections::BTreeMap<&str, usize> = missed.iter().fold(Default::default(), |mut of, line| {
        *of.entry(line.split(':').next().unwrap_or_default()).or_default() += 1;
        of
    });
    assert!(
        missed.len() * 20 <= all,
        "{} of {all}: {kinds:?}\n{}",
        missed.len(),
        missed[..missed.len().min(9)].join("\n")
    );
}

#[test]
fn what_is_replaced_names_its_kind_and_is_replaced_once() {
    let [_, key, _] = Dice(3).line("[ghp_{a36}]");
    let text = format!("a {key} b {key}\n");
    let redacted = redact(&text);
    assert_eq!(redacted, "a [redacted:github] b [redacted:github]\n");
    assert_eq!(redact(&redacted), redacted);
    let found = find(text.as_bytes());
    assert_eq!(found[0], Found { kind: "github", range: 2..2 + key.len() });
    assert!(matches!(redact("plain"), Cow::Borrowed("plain")));
}

#[test]
fn examples_names_and_hashes_are_no_secrets() {
    for text in [
        "AKIAIOSFODNN7EXAMPLE and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "OPENAI_API_KEY=sk-your-key-here-xxxxxxxxxxxxxxxxxxxxxxxx",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "key = \"sk-1234567890abcdef1234567890abcdef12345678\"",
        "sha256 = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
        "checksum = \"2c1de5b2f0fb3b3b1c8d5d7e5c2b9d0f1e3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c\"",
        "\"integrity\": \"sha512-wJalrXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEKEYabcdefghijklmnop==\"",
        "index 83db48f84ec878fbfb30b46d16630e944e34f205..0b5c1f6a2c8e7d9e1f0a3b2c4d5e6f708192a3b4",
        "let token = self.tokens.next_token_of_the_stream();",
        "password: String, secret: Option<SecretString>, token: TokenStream2",
        "https://user:password@example.org/ https://x:${TOKEN}@host/ http://127.0.0.1:11434",
        "const PRIVATE_KEY_HEADER: &str = \"-----BEGIN PRIVATE KEY-----\";",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0.",
        "550e8400-e29b-41d4-a716-446655440000",
        "fn sk_live_or_dead() {} pub struct AIzaSomething; xai-is-a-company",
    ] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn any_bytes_at_all_are_read_without_harm() {
    let mut dice = Dice(5);
    let odd = [
        "\\",
        "\\u",
        "\\u00",
        "%",
        "%4",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "://",
        "://:@",
        "eyJ",
        "eyJ..",
        ":",
        "=",
        "Bearer ",
    ];
    for part in odd {
        for _ in 0..2 {
            let [_, noise, _] = dice.line("[{u31}%{h2}\\x{h2}{b15}]");
            let text = format!("{noise}{part}{noise}");
            (0..=text.len()).for_each(|end| drop(find(&text.as_bytes()[..end])));
            find(&[text.as_bytes(), &[0xff, 0xe2, 0x82], text.as_bytes()].concat());
        }
    }
}

#[test]
fn a_multibyte_character_beside_a_secret_stays_whole() {
    let [_, key, _] = Dice(9).line("[glpat-{u20}]");
    let text = format!("é€{key}€é");
    assert_eq!(redact(&text), "é€[redacted:gitlab]€é");
}
