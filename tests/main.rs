//! The suite: the programs as their callers see them, one module a tool.

mod audit;
mod bad_input;
mod call;
mod cloud_clients;
mod confine;
mod dependencies;
mod driver;
mod edit;
mod gates;
mod greeter;
mod haao;
mod house;
mod init;
mod kill;
mod mend;
mod money;
mod ollama_client;
mod peers;
mod plan;
mod run;
mod sandbox;
mod ship;
mod the_loop;
mod verify;
mod want;
mod worker;
