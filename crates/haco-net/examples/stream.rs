//! What reading a streamed reply of 1,000 tokens costs over a bare client that reads the same bytes and understands nothing:
//! `cargo run --release -p haco-net --example stream`. Both sides take turns against one server; printed are medians in
//! milliseconds, whole and in pieces of a token each.

use haco_core::address::BaseUrl;
use haco_net::{Ask, Endpoint, Provider};
use std::{
    io::{BufRead, BufReader, Error, Read, Write},
    net::{TcpListener, TcpStream},
    time::Instant,
};

const TOKENS: usize = 1000;
const ROUNDS: usize = 201;

/// How the server sends: at once, or with a system call for each token.
#[derive(Clone, Copy)]
enum Sent {
    Whole,
    Pieces,
}

fn body(provider: Provider) -> Vec<String> {
    let piece = |n: usize| match provider {
        Provider::Ollama => format!("{{\"model\":\"m\",\"message\":{{\"content\":\"tok{n} \"}},\"done\":false}}\n"),
        Provider::OpenAi => {
            format!("data: {{\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"tok{n} \"}}}}]}}\n\n")
        }
        Provider::Anthropic => format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"delta\":{{\"type\":\"text_delta\",\"text\":\"tok{n} \"}}}}\n\n"
        ),
    };
    let end = match provider {
        Provider::Ollama => {
            "{\"model\":\"m\",\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":1,\"eval_count\":1000}\n"
        }
        Provider::OpenAi => {
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
        }
        Provider::Anthropic => {
            "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":1000}}\n\ndata: {\"type\":\"message_stop\"}\n\n"
        }
    };
    (0..TOKENS).map(piece).chain([end.to_owned()]).collect()
}

fn serve(listener: &TcpListener, pieces: &[String], sent: Sent) -> Result<(), Error> {
    for stream in listener.incoming() {
        let mut stream = stream?;
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line)? > 2 {
            if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = told.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        reader.read_exact(&mut vec![0; length])?;
        let all = pieces.concat();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", all.len());
        stream.write_all(head.as_bytes())?;
        match sent {
            Sent::Whole => stream.write_all(all.as_bytes())?,
            Sent::Pieces => pieces.iter().try_for_each(|piece| stream.write_all(piece.as_bytes()))?,
        }
    }
    Ok(())
}

/// Milliseconds of a client that only reads to the end.
fn bare(host: &str) -> Result<f64, Error> {
    let start = Instant::now();
    let mut stream = TcpStream::connect(host)?;
    stream.write_all(b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")?;
    stream.read_to_end(&mut Vec::new())?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn ours(endpoint: &Endpoint) -> f64 {
    let start = Instant::now();
    let mut news = 0;
    let reply = haco_net::ask(endpoint, &Ask { prompt: "hi", ..Ask::default() }, &mut |_| news += 1);
    let reply = reply.expect("the server answers well");
    assert!(reply.text.starts_with("tok0 ") && reply.text.ends_with("tok999 ") && news >= TOKENS);
    start.elapsed().as_secs_f64() * 1e3
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

fn main() -> Result<(), Error> {
    let mut out = std::io::stdout();
    for (provider, name) in
        [(Provider::Ollama, "ollama"), (Provider::OpenAi, "openai"), (Provider::Anthropic, "anthropic")]
    {
        for (sent, how) in [(Sent::Whole, "whole"), (Sent::Pieces, "a token a piece")] {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let host = listener.local_addr()?.to_string();
            let pieces = body(provider);
            std::thread::spawn(move || serve(&listener, &pieces, sent));
            let base = BaseUrl::parse(&format!("http://{host}")).expect("a literal address parses");
            let endpoint = Endpoint::new(provider, base, "m");
            let (mut theirs, mut own) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                theirs.push(bare(&host)?);
                own.push(ours(&endpoint));
            }
            let (theirs, own) = (median(theirs), median(own));
            writeln!(out, "{name:10} {how:16} ours {own:6.2}  bare {theirs:6.2}  adds {:6.2}  aim 2.00", own - theirs)?;
        }
    }
    Ok(())
}
