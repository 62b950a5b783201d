//! The autoscaler's file and decisions: tables, golden sequences, and a model of ECS for the rest.

mod cli;
mod config;
mod count;
mod fuzz;
mod golden;
mod leader;
mod nodes;
mod reference;
mod run;
mod schedule;
mod stage;
mod support;
mod world;
