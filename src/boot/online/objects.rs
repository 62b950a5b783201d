//! Objects from S3.

use super::Visit;
use crate::aws::CustomerKey;
use crate::boot::orders::{Order, Refused};
use crate::boot::secrets::Secrets;
use crate::boot::staging::Staged;
use crate::config::{Origin, S3Origin};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{self, StreamExt};
use zeroize::Zeroizing;

impl Visit<'_> {
    /// Brings objects here, many at a time.
    pub(super) async fn objects<'j>(
        &self,
        orders: Vec<Order<'_, 'j>>,
        secrets: Option<&Secrets<'_>>,
    ) -> Vec<Staged<'j>> {
        let calls = orders.into_iter().map(|order| self.object(order, secrets));
        let calls: Vec<_> = calls.collect();
        let mut running = stream::iter(calls).buffer_unordered(self.mode.aws.in_flight);
        let mut staged = Vec::new();
        while let Some(done) = running.next().await {
            staged.extend(done);
        }
        staged
    }

    async fn object<'j>(
        &self,
        order: Order<'_, 'j>,
        secrets: Option<&Secrets<'_>>,
    ) -> Option<Staged<'j>> {
        let declared_at = order.file.declared_at.clone();
        let key = match customer_key(&order, secrets) {
            Ok(key) => key,
            Err(problem) => {
                self.trouble(vec![format!("{declared_at}: customer_key: {problem}")]);
                return None;
            }
        };
        let clients = self.clients.as_ref()?;
        let problem = match order.download(clients, key, self.deadline).await {
            Ok(staged) => {
                self.s3_took.set(self.begun.elapsed());
                return Some(staged);
            }
            Err(Refused::Line(line)) => line,
            Err(Refused::Call(mut error)) => {
                if let Some(aws) = error.aws() {
                    *aws = self.explain(aws.clone()).await;
                }
                format!("{declared_at}: {error}")
            }
        };
        self.trouble(vec![problem]);
        None
    }
}

/// The key of an object that was encrypted with one of the customer's: base64 of 32 bytes.
fn customer_key(order: &Order, secrets: Option<&Secrets>) -> Result<Option<CustomerKey>, String> {
    let Origin::S3(S3Origin {
        customer_key: Some(place),
        ..
    }) = &order.file.from
    else {
        return Ok(None);
    };
    let value = match secrets {
        Some(secrets) => secrets.value(place)?,
        None => return Ok(None),
    };
    let bytes = STANDARD.decode(value.trim()).map(Zeroizing::new);
    let key = bytes.ok().and_then(|bytes| CustomerKey::new(&bytes));
    let wrong = || format!("{} is no key: write the base64 of its 32 bytes", place.key);
    key.map(Some).ok_or_else(wrong)
}
