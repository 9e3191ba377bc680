//! An answer of a registry, easy to look into.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// Status, headers and body.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub async fn of(response: reqwest::Response) -> Reply {
        Reply {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            // The oracle promises more than it sends with a 416; who needs the body compares it.
            body: response.bytes().await.unwrap_or_default().to_vec(),
        }
    }

    /// The answer, which must have this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{self:?}\n{}", self.text());
        self
    }

    /// A refusal in the specification's shape, with this status and code.
    #[track_caller]
    pub fn refuses(self, status: u16, code: &str) -> Reply {
        let reply = self.is(status);
        let kind = reply.header("content-type");
        assert!(kind.starts_with("application/json"), "{kind}");
        let errors = reply.json()["errors"].clone();
        let errors = errors.as_array().unwrap();
        assert_eq!(errors[0]["code"], code, "{errors:?}");
        assert!(errors[0]["message"].is_string(), "{errors:?}");
        reply
    }

    /// A header, which must be there.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        match self.headers.get(name) {
            Some(value) => value.to_str().unwrap(),
            None => panic!("there is no {name} in {:?}", self.headers),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
