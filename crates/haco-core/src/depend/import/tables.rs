//! Names that need no declaration, and names of imports that are not those of their packages. Tables; what a language
//! takes in later is added here.

/// Modules of Python 3.8 to 3.14 (`sys.stdlib_module_names`).
pub(super) const PYTHON: &str = "\
    __future__ __main__ _thread _typeshed abc aifc annotationlib antigravity argparse array ast asynchat asyncio \
    asyncore atexit audioop base64 bdb binascii binhex bisect builtins bz2 cProfile calendar cgi cgitb chunk cmath \
    cmd code codecs codeop collections colorsys compileall compression concurrent configparser contextlib \
    contextvars copy copyreg crypt csv ctypes curses dataclasses datetime dbm decimal difflib dis distutils doctest \
    dummy_threading email encodings ensurepip enum errno faulthandler fcntl filecmp fileinput fnmatch formatter \
    fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html \
    http idlelib imaplib imghdr imp importlib inspect io ipaddress itertools json keyword lib2to3 linecache locale \
    logging lzma macpath mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt multiprocessing \
    netrc nis nntplib nt ntpath nturl2path numbers opcode operator optparse os ossaudiodev parser pathlib pdb \
    pickle pickletools pipes pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd \
    py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter runpy \
    sched secrets select selectors shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver spwd \
    sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct subprocess sunau \
    symbol symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios test textwrap this threading \
    time timeit tkinter token tokenize tomllib trace traceback tracemalloc tty turtle turtledemo types typing \
    unicodedata unittest urllib uu uuid venv warnings wave weakref webbrowser winreg winsound wsgiref xdrlib xml \
    xmlrpc zipapp zipfile zipimport zlib zoneinfo";

/// Modules of Node (`module.builtinModules`); others of its own are only there as `node:`.
pub(super) const NODE: &str = "\
    assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns domain \
    events fs http http2 https inspector module net os path perf_hooks process punycode querystring readline repl \
    stream string_decoder sys timers tls trace_events tty url util v8 vm wasi worker_threads zlib";

/// Libraries that come with Ruby 2.7 to 3.4, default and bundled gems among them.
pub(super) const RUBY: &str = "\
    English abbrev base64 benchmark bigdecimal bundler cgi coverage csv date debug delegate did_you_mean digest drb \
    e2mmap erb error_highlight etc expect fcntl fiber fiddle fileutils find forwardable getoptlong io ipaddr irb \
    json logger matrix minitest mkmf monitor mutex_m net nkf observer objspace open-uri open3 openssl optparse \
    ostruct pathname pp prettyprint prime prism pstore psych pty racc rake random rbconfig rdoc readline reline \
    resolv resolv-replace rexml rinda ripper rubygems scanf securerandom set shell shellwords singleton socket \
    stringio strscan sync syslog tempfile test thread thwait time timeout tmpdir tracer tsort un unicode_normalize \
    uri weakref win32ole yaml zlib";

/// What Python imports under another name than its package has, or gets with another package.
pub(super) const PYTHON_PACKAGES: &[(&str, &str)] = &[
    ("Crypto", "pycryptodome pycrypto"),
    ("Cryptodome", "pycryptodomex"),
    ("Levenshtein", "levenshtein python-levenshtein"),
    ("MySQLdb", "mysqlclient mysql-python"),
    ("OpenGL", "pyopengl"),
    ("OpenSSL", "pyopenssl"),
    ("PIL", "pillow"),
    ("_cffi_backend", "cffi"),
    ("_pytest", "pytest"),
    ("allauth", "django-allauth"),
    ("anyio", "anyio httpx fastapi"),
    ("asgiref", "django asgiref"),
    ("attr", "attrs"),
    ("botocore", "boto3 botocore"),
    ("bs4", "beautifulsoup4"),
    ("charset_normalizer", "charset-normalizer"),
    ("click", "flask click"),
    ("confluent_kafka", "confluent-kafka"),
    ("consul", "python-consul"),
    ("corsheaders", "django-cors-headers"),
    ("cv2", "opencv-python opencv-python-headless opencv-contrib-python"),
    ("dateutil", "python-dateutil"),
    ("debug_toolbar", "django-debug-toolbar"),
    ("discord", "discord-py"),
    ("django_filters", "django-filter"),
    ("dns", "dnspython"),
    ("docx", "python-docx"),
    ("dotenv", "python-dotenv"),
    ("environ", "django-environ"),
    ("faiss", "faiss-cpu faiss-gpu"),
    ("fitz", "pymupdf"),
    ("flask_sqlalchemy", "flask-sqlalchemy"),
    ("gi", "pygobject"),
    ("git", "gitpython"),
    ("github", "pygithub"),
    ("gitlab", "python-gitlab"),
    ("google", "protobuf googleapis-common-protos"),
    ("grpc", "grpcio"),
    ("grpc_tools", "grpcio-tools"),
    ("haystack", "django-haystack"),
    ("httpcore", "httpx httpcore"),
    ("itsdangerous", "flask itsdangerous"),
    ("jinja2", "flask jinja2"),
    ("jose", "python-jose"),
    ("jsonpath_ng", "jsonpath-ng"),
    ("jwt", "pyjwt"),
    ("kafka", "kafka-python kafka-python-ng"),
    ("keystoneclient", "python-keystoneclient"),
    ("ldap", "python-ldap"),
    ("magic", "python-magic"),
    ("markupsafe", "flask markupsafe"),
    ("memcache", "python-memcached"),
    ("mpl_toolkits", "matplotlib"),
    ("multipart", "python-multipart"),
    ("nacl", "pynacl"),
    ("numpy", "numpy pandas scipy"),
    ("opentelemetry", "opentelemetry-api opentelemetry-sdk"),
    ("pkg_resources", "setuptools"),
    ("pluggy", "pytest pluggy"),
    ("pptx", "python-pptx"),
    ("prometheus_client", "prometheus-client"),
    ("psycopg2", "psycopg2 psycopg2-binary"),
    ("py", "pytest"),
    ("pydantic_core", "pydantic"),
    ("pylab", "matplotlib"),
    ("pythoncom", "pywin32"),
    ("pytorch_lightning", "pytorch-lightning"),
    ("rapidjson", "python-rapidjson"),
    ("rest_framework", "djangorestframework"),
    ("ruamel", "ruamel-yaml"),
    ("s3transfer", "boto3"),
    ("sentence_transformers", "sentence-transformers"),
    ("serial", "pyserial"),
    ("skimage", "scikit-image"),
    ("sklearn", "scikit-learn"),
    ("slugify", "python-slugify"),
    ("snappy", "python-snappy"),
    ("socks", "pysocks"),
    ("sphinx_rtd_theme", "sphinx-rtd-theme"),
    ("starlette", "fastapi starlette"),
    ("telegram", "python-telegram-bot"),
    ("tensorflow", "tensorflow tensorflow-cpu"),
    ("umap", "umap-learn"),
    ("urllib3", "requests urllib3"),
    ("usb", "pyusb"),
    ("werkzeug", "flask werkzeug"),
    ("whois", "python-whois"),
    ("win32api", "pywin32"),
    ("win32con", "pywin32"),
    ("wx", "wxpython"),
    ("xdg", "pyxdg"),
    ("yaml", "pyyaml"),
    ("zmq", "pyzmq"),
];
