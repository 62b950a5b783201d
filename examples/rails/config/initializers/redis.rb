# Debian's sidekiq is older than its redis client, which warns about every other call.
Redis.silence_deprecations = true
