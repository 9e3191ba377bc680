//! Calls, with answers that are easy to look into.

use serde_json::Value;

/// A client with one token.
#[derive(Clone)]
pub struct Api {
    base: String,
    token: String,
    http: reqwest::Client,
}

/// A status and a body.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The `data` of a success; fails on anything else.
    pub fn data(&self) -> &Value {
        assert_eq!(self.status, 200, "{:#}", self.body);
        &self.body["data"]
    }

    /// The message of a failure with this status.
    pub fn refusal(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{:#}", self.body);
        let error = &self.body["error"];
        assert_eq!(error["status"], status);
        assert!(error["id"].is_string(), "{error}");
        error["message"].as_str().unwrap().to_owned()
    }

    /// The fields that a 400 complains about.
    pub fn fields(&self) -> Vec<String> {
        assert_eq!(self.status, 400, "{:#}", self.body);
        let details = self.body["error"]["details"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        details
            .iter()
            .map(|d| d["field"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Api {
    pub fn new(base: String, token: String) -> Api {
        Api {
            base,
            token,
            http: reqwest::Client::new(),
        }
    }

    /// The same server with another token.
    pub fn with_token(&self, token: &str) -> Api {
        Api {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(body)).await
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let method = method.parse().unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer {
            status,
            headers,
            body,
        }
    }
}
