//! The confined side: reads its task and the certificates, confines itself, and only then lets a server say anything.

use super::{
    Then,
    wire::{self, End, Question, Said, Task},
};
use haco_core::code::Failure;
use haco_net::{Endpoint, Known, Listener, Missed, News, Through};
use haco_sandbox::Layer;
use std::{
    io::{self, BufWriter, Write},
    net::TcpStream,
    os::{fd::AsFd, unix::net::UnixStream},
    process::ExitCode,
    sync::Arc,
};

/// Lives as the child; whoever is not its parent gets nothing from it.
pub(super) fn live() -> ExitCode {
    match answered() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn answered() -> io::Result<()> {
    haco_sandbox::shed()?;
    let parent = Arc::new(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?));
    let task = Task::read(&*parent)?;
    match prepared(&task) {
        Ok((walls, mut endpoint)) => {
            Said::Walls(walls.iter().map(|wall| wall.as_str().to_owned()).collect()).write(&*parent)?;
            let dial = Arc::clone(&parent);
            endpoint.through = Some(Through::new(move || dialled(&dial).unwrap_or(Err(Missed::Errno(0)))));
            carry_out(&endpoint, &task.question, &parent)
        }
        Err(failure) => end(&parent, End::Failed(failure.into(), None, None)),
    }
}

/// Everything that needs a file, and then the walls.
fn prepared(task: &Task) -> Result<(Vec<Layer>, Endpoint), Failure> {
    let endpoint = task.endpoint.clone().ready()?;
    let weaker: Vec<Layer> = task.weaker.iter().map(|wall| wall.parse()).collect::<Result<_, _>>()?;
    let walls = haco_sandbox::confine_ourselves(&weaker).map_err(|cannot| cannot.failure())?;
    Ok((walls, endpoint))
}

fn carry_out(endpoint: &Endpoint, question: &Question, parent: &UnixStream) -> io::Result<()> {
    match question {
        Question::Known => end(parent, End::Known(haco_net::known(endpoint))),
        Question::Models => end(parent, haco_net::models(endpoint).map_or_else(failed, End::Models)),
        Question::Warm => end(parent, haco_net::warm(endpoint).map_or_else(failed, |()| End::Warm)),
        Question::Catalog => end(parent, haco_net::catalog(endpoint).map_or_else(failed, End::Catalog)),
        Question::Reply(turn, then) => {
            let tell: &mut Listener<'_> = &mut |news| {
                let said = match news {
                    News::Tokens(tokens) => Said::Tokens(tokens),
                    News::Line(line) => Said::Line(line),
                };
                // Who went away needs no news, and ends this process.
                let _ = said.write(parent);
            };
            let (text, body, last) = match haco_net::ask(endpoint, &turn.ask(), tell) {
                Err(failed) => {
                    (String::new(), failed.raw, End::Failed(failed.failure.into(), failed.usage, failed.cost_usd))
                }
                Ok(mut reply) => {
                    let known = if *then == Then::Known { haco_net::known(endpoint) } else { Known::default() };
                    (std::mem::take(&mut reply.text), std::mem::take(&mut reply.raw), End::Reply(reply, known))
                }
            };
            Said::Text(text).write(parent)?;
            Said::Body(body).write(parent)?;
            end(parent, last)
        }
    }
}

fn failed(failure: Failure) -> End {
    End::Failed(failure.into(), None, None)
}

fn end(parent: &UnixStream, end: End) -> io::Result<()> {
    let mut parent = BufWriter::new(parent);
    Said::End(Box::new(end)).write(&mut parent)?;
    parent.flush()
}

/// Has the parent connect.
fn dialled(parent: &UnixStream) -> io::Result<Result<TcpStream, Missed>> {
    Said::Dial.write(parent)?;
    Ok(match wire::read_dialled(parent)? {
        Some(missed) => Err(missed),
        None => Ok(TcpStream::from(haco_sandbox::take_over(parent)?)),
    })
}
