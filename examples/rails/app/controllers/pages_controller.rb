class PagesController < ActionController::API
  def index
    render plain: "hello from #{Rails.env}\n"
  end

  def up
    render plain: "up\n"
  end

  def slow
    seconds = params.fetch(:s, 3).to_f
    sleep seconds
    render plain: "slept #{seconds} s\n"
  end

  def pid
    render json: { pid: Process.pid, parent: Process.ppid, rack_env: ENV["RACK_ENV"] }
  end
end
