//! `render`: templates, and where their output goes.

use super::secrets::{Claims, wrong_target};
use super::{Decoder, Fields, Item};
use crate::config::mode::{Language, SecretItem, Template, ValuePlace};
use crate::config::schema;
use crate::render::own_folder;
use std::collections::BTreeMap;
use std::path::PathBuf;

impl Decoder<'_> {
    /// `secrets` are the mode's, which may hold values for templates alone.
    pub fn render(
        &mut self,
        item: &Item,
        secrets: &[SecretItem],
        claims: &mut Claims,
    ) -> Vec<Template> {
        let items = self.list(item, "a list of maps");
        items
            .iter()
            .filter_map(|item| self.template(item, secrets, claims))
            .collect()
    }

    fn template(
        &mut self,
        item: &Item,
        secrets: &[SecretItem],
        claims: &mut Claims,
    ) -> Option<Template> {
        let fields = self.table(item, &schema::RENDER)?;
        if fields.get("from").is_none() {
            self.problem(item, "from is missing", "write from: /PATH/NAME.tmpl");
        }
        let from = fields.get("from").and_then(|item| self.path(&item));
        let to = match fields.get("to") {
            Some(item) => self.elsewhere(&item, from.as_ref(), claims),
            None => self.beside(&fields, from.as_ref(), claims),
        };
        let mode = fields.get("mode").map(|item| self.octal(&item));
        let user = fields.get("user").map(|item| self.account(&item));
        let group = fields.get("group").map(|item| self.account(&item));
        let root = fields.get("root").map(|item| self.path(&item));
        let values = match fields.get("values") {
            Some(item) => self.values(&item, secrets),
            None => Some(BTreeMap::new()),
        };
        let at = &item.node.at;
        let from = from?;
        Some(Template {
            declared_at: format!("{}:{}", at.file, at.place.line),
            to: to?,
            language: Language::Jinja,
            after_hooks: 0,
            mode: match mode {
                Some(mode) => Some(mode?),
                None => None,
            },
            user: user.flatten(),
            group: group.flatten(),
            root: match root {
                Some(root) => root?,
                None => own_folder(&from),
            },
            values: values?,
            from,
        })
    }

    /// A target that is not the template itself, which the next start needs as it is.
    fn elsewhere(
        &mut self,
        item: &Item,
        from: Option<&PathBuf>,
        claims: &mut Claims,
    ) -> Option<PathBuf> {
        let to = self.target(item, claims)?;
        if from == Some(&to) {
            self.problem(item, "is the template itself", "write to elsewhere");
            return None;
        }
        Some(to)
    }

    /// The template's own path without its ending.
    fn beside(
        &mut self,
        fields: &Fields,
        from: Option<&PathBuf>,
        claims: &mut Claims,
    ) -> Option<PathBuf> {
        let item = fields.get("from")?;
        let target = from?.to_str()?.strip_suffix(".tmpl");
        // Where it starts is known at boot.
        let fits = |target: &&str| wrong_target(&format!("/{target}")).is_none();
        let Some(target) = target.filter(fits) else {
            let remedy = "write to: /PATH/NAME, or from: /PATH/NAME.tmpl";
            self.problem(&item, "to is missing, and this does not tell it", remedy);
            return None;
        };
        self.claim(&item, PathBuf::from(target), claims)
    }

    fn values(
        &mut self,
        item: &Item,
        secrets: &[SecretItem],
    ) -> Option<BTreeMap<String, ValuePlace>> {
        let entries = self.map(item, "a map of names to places of values");
        let values: Vec<Option<(String, ValuePlace)>> = entries
            .iter()
            .map(|(key, item)| {
                let place = self.value_place(item, &schema::RENDER_VALUE, secrets)?;
                Some((key.text.clone(), place))
            })
            .collect();
        values.into_iter().collect()
    }
}
