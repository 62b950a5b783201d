//! The autoscaler's file and decisions: tables, golden sequences, and a model of ECS for the rest.

mod cli;
mod config;
mod count;
mod golden;
mod nodes;
mod reference;
mod schedule;
mod support;
mod world;
