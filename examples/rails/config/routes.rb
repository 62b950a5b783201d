Rails.application.routes.draw do
  root to: "pages#index"
  get "/up", to: "pages#up"
  get "/slow", to: "pages#slow"
  get "/pid", to: "pages#pid"
  get "/secrets", to: "secrets#index"
  post "/naps", to: "naps#create"
end
