//! System calls that no function of std makes.

use std::ffi::CString;
use std::io;

unsafe extern "C" {
    pub fn syscall(number: i64, ...) -> i64;
}

/// Call numbers that differ between processors: x86_64's, aarch64's.
macro_rules! numbers {
    ($($name:ident $x86:literal $arm:literal)*) => {
        #[allow(non_upper_case_globals)]
        pub mod nr { $(pub const $name: i64 = if cfg!(target_arch = "x86_64") { $x86 } else { $arm };)* }
    };
}
numbers! {
    mmap 9 222  mprotect 10 226  madvise 28 233  clone 56 220  execve 59 221  kill 62 129
    tgkill 234 131  tkill 200 130  setsid 112 157  setpgid 109 154  ptrace 101 117
    process_vm_readv 310 270  prlimit64 302 261  getpriority 140 141  setpriority 141 140
    shmget 29 194  msgget 68 186  semget 64 190  mq_open 240 180  unshare 272 97  mount 165 40
    chroot 161 51  truncate 76 45  memfd_create 319 279  execveat 322 281  prctl 157 167
    seccomp 317 277  bpf 321 280  perf_event_open 298 241  userfaultfd 323 282  keyctl 250 219
    add_key 248 217  socketpair 53 199  pipe2 293 59  epoll_create1 291 20  eventfd2 290 19
    sched_setaffinity 203 122  setitimer 38 103  timer_create 222 107  rt_sigqueueinfo 129 138
    rt_tgsigqueueinfo 297 240  personality 135 92  mlockall 151 230  inotify_init1 294 26
    name_to_handle_at 303 264  open_by_handle_at 304 265  vmsplice 278 75  fcntl 72 25  ioctl 16 29
    setuid 105 146  capset 126 91  setns 308 268  kcmp 312 272  getppid 110 173
    sched_setscheduler 144 119  setrlimit 160 164  sendmsg 46 211  recvmsg 47 212  sysinfo 99 179
    process_vm_writev 311 271  pkey_mprotect 329 288  fchmodat 268 53
    swapon 167 224  acct 163 89
    futex 202 98  exit 60 93
}
/// Call numbers that are the same on every processor.
pub mod new {
    pub const PIDFD_SEND_SIGNAL: i64 = 424;
    pub const IO_URING_SETUP: i64 = 425;
    pub const OPEN_TREE: i64 = 428;
    pub const FSOPEN: i64 = 430;
    pub const PIDFD_OPEN: i64 = 434;
    pub const CLONE3: i64 = 435;
    pub const OPENAT2: i64 = 437;
    pub const PROCESS_MADVISE: i64 = 440;
    pub const LANDLOCK_CREATE_RULESET: i64 = 444;
    pub const MEMFD_SECRET: i64 = 447;
    pub const FCHMODAT2: i64 = 452;
    pub const FUTURE: i64 = 600;
}

/// Makes a system call; -1 becomes an error.
macro_rules! call {
    ($number:expr $(, $argument:expr)*) => {{
        let result = unsafe { crate::kernel::syscall($number, $($argument as i64),*) };
        if result == -1 { Err(std::io::Error::last_os_error()) } else { Ok(format!("result {result}")) }
    }};
}
pub(crate) use call;

pub fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

/// Opens a file with flags that no function of std uses.
pub fn open_at(path: &str, flags: i64) -> io::Result<String> {
    let openat = if cfg!(target_arch = "x86_64") { 257 } else { 56 };
    call!(openat, -100, c(path).as_ptr(), flags, 0)
}

pub fn map(length: u64, protection: i64, flags: i64) -> io::Result<u64> {
    let result = unsafe { syscall(nr::mmap, 0_i64, length, protection, flags, -1_i64, 0_i64) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result as u64) }
}

pub fn fork() -> io::Result<i64> {
    let result = unsafe { syscall(nr::clone, 17_i64, 0_i64, 0_i64, 0_i64, 0_i64) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
