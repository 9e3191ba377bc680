//! Notification integrations as a table. Where they send to is left out: whoever reads it over a
//! shoulder could write there.

use super::table::{Cell, Sheet, Tone};
use super::time::ago;
use crate::client::{ClientError, Notification, parse_rows};
use jiff::Timestamp;
use serde_json::Value;

pub(crate) fn notifications(data: Value, now: Timestamp) -> Result<Sheet, ClientError> {
    let mut sheet = Sheet::new(
        &["ID", "NAME", "TYPE", "RECEIVER", "LAST ERROR"],
        "no notification integrations",
    );
    for integration in parse_rows::<Notification>(data, "notificationIntegrations")? {
        let status = integration.status;
        let (receiver, tone) = match status.time_of_first_failed_request {
            _ if status.disabled => ("disabled".to_owned(), Tone::Faint),
            Some(since) => (format!("failing since {}", ago(since, now)), Tone::Bad),
            None => ("fine".to_owned(), Tone::Good),
        };
        sheet.row(vec![
            Cell::new(&integration.id),
            Cell::new(&integration.name),
            Cell::new(&integration.kind),
            Cell::new(receiver).tone(tone),
            Cell::or_dash(status.last_error.as_deref()),
        ]);
    }
    Ok(sheet)
}
