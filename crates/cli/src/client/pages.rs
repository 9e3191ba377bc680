//! Walks a list to its end by cursor.

use super::{Client, ClientError};
use serde_json::{Value, json};

impl Client {
    /// Every row of a list, as one `{key: […]}` like a single page of it.
    pub async fn get_all(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        key: &str,
    ) -> Result<Value, ClientError> {
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut asked = query.to_vec();
            asked.extend(cursor.iter().map(|c| ("cursor", c.clone())));
            let answer = self.get(path, &asked).await?;
            let next = match &answer.pagination {
                Some(page) if page.has_next_page => page.cursor.clone(),
                _ => {
                    rows.extend(answer.rows::<Value>(key)?);
                    return Ok(json!({ key: rows }));
                }
            };
            if next.is_none() || next == cursor {
                return Err(ClientError::EndlessList);
            }
            cursor = next;
            rows.extend(answer.rows::<Value>(key)?);
        }
    }
}
