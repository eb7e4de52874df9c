//! Answers a client: the list of tools, and the results of calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest,
    CustomResult, ErrorCode, ErrorData, Implementation, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, SubscriptionFilter,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::changes::Changes;
use super::tools::offered;
use crate::toolbox::{Toolbox, ToolboxError};

/// How many calls run at once; the others wait. (A tool has one process, which handles one call at a time.)
const AT_ONCE: usize = 8;

const INSTRUCTIONS: &str = "These tools were written by a language model and admitted into a toolbox \
    after tests and a review. Each only computes: it runs in a jail without files, network or \
    environment, with a deadline. A tool's output is JSON. Nothing can be added here: new tools and \
    versions are admitted in the workshop's notebook.";

/// One session with a client.
pub struct Server {
    toolbox: Arc<Toolbox>,
    changes: Changes,
    calls: Arc<Semaphore>,
    /// Whether the client receives reports of changes.
    tells: AtomicBool,
}

impl Server {
    /// Starts a session on this toolbox.
    pub fn new(toolbox: Arc<Toolbox>, changes: Changes) -> Self {
        let calls = Arc::new(Semaphore::new(AT_ONCE));
        Server { toolbox, changes, calls, tells: AtomicBool::new(false) }
    }
}

/// Runs work that waits for a file, a compiler or a tool, outside of the threads that answer.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ErrorData> {
    tokio::task::spawn_blocking(work).await.map_err(|_| {
        ErrorData::internal_error("the server has a bug; see its standard error", None)
    })
}

/// Writes the result of a call in the protocol's form. The documentation of `mcp` says who gets which error.
fn response(result: Result<Value, ToolboxError>) -> Result<CallToolResponse, ErrorData> {
    let text = |text: String| vec![ContentBlock::text(text)];
    match result {
        Ok(output) => Ok(CallToolResult::success(text(output.to_string())).into()),
        Err(
            error @ (ToolboxError::BadRequest(_)
            | ToolboxError::Failed(_)
            | ToolboxError::Damaged(_)),
        ) => Ok(CallToolResult::error(text(error.to_string())).into()),
        Err(error @ ToolboxError::NotFound(_)) => {
            Err(ErrorData::invalid_params(error.to_string(), None))
        }
        Err(error @ (ToolboxError::Judge(_) | ToolboxError::Internal(_))) => {
            Err(ErrorData::internal_error(error.to_string(), None))
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities =
            ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build();
        let name = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        ServerConfig::new(capabilities)
            .with_server_info(name.with_title("Toolbox of Code Evolution in Rust"))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let toolbox = Arc::clone(&self.toolbox);
        let tools = blocking(move || offered(&toolbox)).await?;
        let tools = tools.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let client = context.client_info();
        let client = client.map_or("an unnamed client".to_owned(), |client| {
            format!("{} {}", client.name, client.version)
        });
        let toolbox = Arc::clone(&self.toolbox);
        let arguments: JsonObject = request.arguments.unwrap_or_default();
        let Ok(_turn) = self.calls.acquire().await else {
            return Err(ErrorData::internal_error("the server is ending", None));
        };
        if context.ct.is_cancelled() {
            // The client cancelled the request, so it never receives this answer.
            return Err(ErrorData::internal_error("cancelled before it began", None));
        }
        let by = format!("{client} (MCP)");
        let call = move || toolbox.call_logged(&request.name, &Value::Object(arguments), &by);
        response(blocking(call).await?)
    }

    /// Answers requests with wrong parameters, and unknown methods.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = request.method;
        match method.as_str() {
            "initialize"
            | "ping"
            | "tools/list"
            | "tools/call"
            | "server/discover"
            | "subscriptions/listen" => {
                let what = format!("the parameters do not fit {method}");
                Err(ErrorData::invalid_params(what, None))
            }
            _ => {
                let what = format!("there is no method {method:?}; a toolbox has only tools");
                Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, what, None))
            }
        }
    }

    /// Starts reports of changes to a client that uses a protocol version up to 2025-11-25.
    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        // A client may send this several times; start only once.
        if self.tells.swap(true, Ordering::Relaxed) {
            return;
        }
        let (mut changes, peer) = (self.changes.clone(), context.peer);
        tokio::spawn(async move {
            while changes.next().await && peer.notify_tool_list_changed().await.is_ok() {}
        });
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    /// Sends reports to a client that uses a later version and subscribes to them.
    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let (mut changes, sink) = (self.changes.clone(), context.sink().clone());
        let telling = tokio::spawn(async move {
            while changes.next().await && sink.notify_tool_list_changed().await.is_ok() {}
        });
        context.cancelled().await;
        telling.abort();
        Ok(())
    }
}
