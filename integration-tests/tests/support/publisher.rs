//! A server of documents that a test changes: an OpenID provider, a client that publishes its keys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::Value;

type Documents = Arc<Mutex<HashMap<String, String>>>;

/// It answers what it was told at each path, and counts how often it was asked.
pub(crate) struct Publisher {
    pub(crate) base: String,
    documents: Documents,
    asked: Arc<Mutex<usize>>,
    handle: ServerHandle,
}

impl Publisher {
    pub(crate) fn start() -> Self {
        let (documents, asked) = (Documents::default(), Arc::new(Mutex::new(0)));
        let shared = (Data::new(Arc::clone(&documents)), Data::new(Arc::clone(&asked)));
        let server = HttpServer::new(move || {
            let (documents, asked) = shared.clone();
            App::new().app_data(documents).app_data(asked).default_service(web::to(answer))
        });
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).expect("a port");
        let base = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { base, documents, asked, handle }
    }

    /// Publishes `it` at `path`; text that begins with `http` is where it sends whoever asks.
    pub(crate) fn publish(&self, path: &str, it: &Value) {
        let text = it.as_str().map_or_else(|| it.to_string(), str::to_owned);
        self.documents.lock().expect("documents").insert(path.to_owned(), text);
    }

    /// How often anything was asked for.
    pub(crate) fn asked(&self) -> usize {
        *self.asked.lock().expect("a count")
    }

    pub(crate) async fn stop(&self) {
        self.handle.stop(false).await;
    }
}

async fn answer(
    request: HttpRequest,
    documents: Data<Documents>,
    asked: Data<Arc<Mutex<usize>>>,
) -> HttpResponse {
    *asked.lock().expect("a count") += 1;
    match documents.lock().expect("documents").get(request.path()) {
        Some(it) if it.starts_with("http") => {
            HttpResponse::Found().insert_header(("location", it.as_str())).finish()
        }
        Some(it) => HttpResponse::Ok().content_type("application/json").body(it.clone()),
        None => HttpResponse::NotFound().finish(),
    }
}
