worker_processes Integer(ENV.fetch("WEB_CONCURRENCY", "2"))
listen "#{ENV.fetch('BIND', '0.0.0.0')}:#{ENV.fetch('PORT', '3000')}"
pid ENV["PIDFILE"] if ENV["PIDFILE"]
timeout 60
preload_app true

# A database connection must not be shared by the master and its workers.
before_fork { |_server, _worker| ActiveRecord::Base.connection_pool.disconnect! }
after_fork { |_server, _worker| ActiveRecord::Base.establish_connection }
