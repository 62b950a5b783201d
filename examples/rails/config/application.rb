require_relative "boot"

# Only what the app uses: the rest of Rails would double the boot time.
require "rails"
require "active_record/railtie"
require "action_controller/railtie"

Bundler.require(*Rails.groups)

module Example
  class Application < Rails::Application
    config.load_defaults 6.1
    config.api_only = true
    config.eager_load = Rails.env.production?
    config.active_record.dump_schema_after_migration = false

    # Whatever the app writes has its place in the environment, so that the image may be read-only.
    config.paths["tmp"] = ENV.fetch("APP_TMP", "tmp")
    config.paths["config/secrets"] = ENV.fetch("SECRETS_FILE", "/dev/shm/entry/secrets.yml")

    $stdout.sync = true
    config.log_level = ENV.fetch("LOG_LEVEL", "info").to_sym
    config.logger = ActiveSupport::TaggedLogging.new(ActiveSupport::Logger.new($stdout))
  end
end
