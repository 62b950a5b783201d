# A job whose start and end can be seen from outside: one line each in NAP_LOG.
class NapJob
  include Sidekiq::Worker

  def perform(seconds, marker)
    note "start #{marker}"
    sleep seconds
    note "done #{marker}"
  end

  private

  def note(line)
    path = ENV.fetch("NAP_LOG") { Rails.root.join("tmp/naps.log") }
    File.open(path, "a") { |file| file.puts line }
  end
end
