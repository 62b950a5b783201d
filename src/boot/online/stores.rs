//! Values that AWS stores: parameters and secrets.

use super::Visit;
use crate::boot::secrets::{Came, Secrets};
use crate::boot::stores;
use crate::config::ParameterSet;
use futures_util::future;
use std::collections::HashMap;

impl Visit<'_> {
    /// All parameters that are named, ten a call; and those below each path.
    pub(super) async fn parameters<'m>(&self, secrets: &Secrets<'m>) -> Came<'m> {
        let Some(clients) = &self.clients else {
            return Came::new();
        };
        let ssm = clients.ssm();
        let mut names: Vec<String> = Vec::new();
        for (_, _, set) in secrets.parameters() {
            if let ParameterSet::Named(some) = set {
                names.extend(
                    some.iter()
                        .filter(|name| !names.contains(name))
                        .cloned()
                        .collect::<Vec<_>>(),
                );
            }
        }
        let named = async {
            if names.is_empty() {
                return Ok(Vec::new());
            }
            ssm.get(&names, self.deadline).await
        };
        let below = secrets
            .parameters()
            .filter_map(|(index, _, set)| match set {
                ParameterSet::Below { path, recursive } => {
                    Some(async move { (index, ssm.by_path(path, *recursive, self.deadline).await) })
                }
                ParameterSet::Named(_) => None,
            });
        let (named, below) = future::join(named, future::join_all(below)).await;
        let named = match named {
            Ok(parameters) => Ok(parameters),
            Err(error) => Err(self.explain(error).await),
        };
        let mut below: HashMap<usize, _> = below.into_iter().collect();
        let mut told = false;
        let mut came = Vec::new();
        for (index, item, set) in secrets.parameters() {
            let answer = match (set, &named) {
                (ParameterSet::Below { .. }, _) => match below.remove(&index) {
                    Some(Ok(parameters)) => Ok(parameters),
                    Some(Err(error)) => Err(self.explain(error).await.to_string()),
                    None => continue,
                },
                (ParameterSet::Named(some), Ok(all)) => {
                    let pairs = names
                        .iter()
                        .zip(all)
                        .filter(|(name, _)| some.contains(name));
                    Ok(pairs.map(|(_, parameter)| parameter.clone()).collect())
                }
                // One call for all items, so one line.
                (ParameterSet::Named(_), Err(_)) if std::mem::replace(&mut told, true) => continue,
                (ParameterSet::Named(_), Err(error)) => Err(error.to_string()),
            };
            let given = answer.and_then(|parameters| stores::parameters(item, set, &parameters));
            came.push((index, item, given));
        }
        came
    }

    /// All secrets of Secrets Manager, twenty a call.
    pub(super) async fn managed<'m>(&self, secrets: &Secrets<'m>) -> Came<'m> {
        let items: Vec<_> = secrets.managed().collect();
        let Some(clients) = self.clients.as_ref().filter(|_| !items.is_empty()) else {
            return Came::new();
        };
        let ids: Vec<_> = items
            .iter()
            .map(|(_, _, secret)| stores::secret_id(secret))
            .collect();
        match clients.secrets_manager().get(&ids, self.deadline).await {
            Ok(values) => {
                let pairs = items.into_iter().zip(&values);
                pairs
                    .map(|((index, item, _), value)| (index, item, stores::secret(item, value)))
                    .collect()
            }
            Err(error) => {
                let error = self.explain(error).await;
                // One call for all items, so one line.
                let first = items.into_iter().take(1);
                first
                    .map(|(index, item, _)| (index, item, Err(error.to_string())))
                    .collect()
            }
        }
    }
}
