//! Why a request failed: the closed list of causes that results, retries and objectives name.

/// Why an attempt or a request did not end well. The names in files and results are [`Cause::name`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Cause {
    /// A limiter refused it (429).
    RateLimited,
    /// No pool slot or connection within the pool's timeout.
    PoolTimeout,
    /// The database had no connection left.
    ConnectionRefused,
    /// A new connection was not ready within the pool's timeout.
    ConnectTimeout,
    /// A query took longer than allowed.
    QueryTimeout,
    /// A query ended in an error.
    QueryFailed,
    /// The database was down.
    DatabaseUnavailable,
    /// The model provider answered 429 and no retry helped.
    LlmRateLimited,
    /// The model provider answered with a server error and no retry helped.
    LlmError,
    /// The model provider did not answer in time.
    LlmTimeout,
    /// The provider account's quota is used up.
    LlmQuota,
    /// The client stopped waiting.
    ClientTimeout,
    /// A line with a bound was full.
    QueueFull,
    /// It waited in a job queue for longer than the queue allows.
    QueueTimeout,
    /// The server's own deadline for a request passed.
    Deadline,
    /// Refused early to protect the rest (503).
    Shed,
    /// The instance died of memory.
    OutOfMemory,
    /// The instance went away with the request in hand.
    InstanceLost,
    /// No instance was ready.
    NoInstance,
    /// Degradation had the feature off.
    FeatureOff,
    /// The cache could not be reached.
    CacheUnavailable,
    /// Not signed in.
    Unauthorized,
    /// Something else behind the service failed.
    UpstreamError,
}

impl Cause {
    /// What the objective `database_errors` counts: a request failed at the database or on the way to a connection.
    pub const AT_THE_DATABASE: [Self; 6] = [
        Self::PoolTimeout,
        Self::ConnectionRefused,
        Self::ConnectTimeout,
        Self::QueryTimeout,
        Self::QueryFailed,
        Self::DatabaseUnavailable,
    ];

    /// What the objective `llm_rate_limit_errors` counts: limits by time and by account.
    pub const LLM_LIMITS: [Self; 2] = [Self::LlmRateLimited, Self::LlmQuota];

    /// Every cause, in the order of their numbers.
    pub const ALL: [Self; 23] = [
        Self::RateLimited,
        Self::PoolTimeout,
        Self::ConnectionRefused,
        Self::ConnectTimeout,
        Self::QueryTimeout,
        Self::QueryFailed,
        Self::DatabaseUnavailable,
        Self::LlmRateLimited,
        Self::LlmError,
        Self::LlmTimeout,
        Self::LlmQuota,
        Self::ClientTimeout,
        Self::QueueFull,
        Self::QueueTimeout,
        Self::Deadline,
        Self::Shed,
        Self::OutOfMemory,
        Self::InstanceLost,
        Self::NoInstance,
        Self::FeatureOff,
        Self::CacheUnavailable,
        Self::Unauthorized,
        Self::UpstreamError,
    ];
    /// How many causes there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The name in files and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::PoolTimeout => "pool_timeout",
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::QueryTimeout => "query_timeout",
            Self::QueryFailed => "query_failed",
            Self::DatabaseUnavailable => "database_unavailable",
            Self::LlmRateLimited => "llm_rate_limited",
            Self::LlmError => "llm_error",
            Self::LlmTimeout => "llm_timeout",
            Self::LlmQuota => "llm_quota",
            Self::ClientTimeout => "client_timeout",
            Self::QueueFull => "queue_full",
            Self::QueueTimeout => "queue_timeout",
            Self::Deadline => "deadline",
            Self::Shed => "shed",
            Self::OutOfMemory => "out_of_memory",
            Self::InstanceLost => "instance_lost",
            Self::NoInstance => "no_instance",
            Self::FeatureOff => "feature_off",
            Self::CacheUnavailable => "cache_unavailable",
            Self::Unauthorized => "unauthorized",
            Self::UpstreamError => "upstream_error",
        }
    }

    /// The cause of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }

    /// The HTTP status that the client sees; `None` where it sees no answer.
    #[must_use]
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::RateLimited => Some(429),
            Self::Unauthorized => Some(401),
            Self::Shed | Self::QueueFull | Self::NoInstance | Self::FeatureOff | Self::Deadline => Some(503),
            Self::ClientTimeout | Self::OutOfMemory | Self::InstanceLost => None,
            _ => Some(500),
        }
    }
}
