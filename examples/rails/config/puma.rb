threads 5, 5
workers Integer(ENV.fetch("WEB_CONCURRENCY", "0"))
bind "tcp://#{ENV.fetch('BIND', '0.0.0.0')}:#{ENV.fetch('PORT', '3000')}"
environment ENV.fetch("RAILS_ENV", "development")
pidfile ENV["PIDFILE"] if ENV["PIDFILE"]

# Answer what already waits in the listen backlog, too.
drain_on_shutdown
