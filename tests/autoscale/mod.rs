//! The autoscaler's file and decisions: tables, golden sequences, and a model of ECS for the rest.

mod config;
mod golden;
mod support;
mod world;
