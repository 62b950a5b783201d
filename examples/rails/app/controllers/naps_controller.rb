class NapsController < ActionController::API
  def create
    render plain: "#{NapJob.perform_async(params.fetch(:s, 3).to_f, params.fetch(:marker, 'nap'))}\n"
  end
end
