require "digest"

# Which secrets arrived, told without telling them.
class SecretsController < ActionController::API
  def index
    lines = masked(Rails.application.secrets.to_h).map { |name, text| "#{name}: #{text}\n" }
    passphrase = ENV.key?("YAML_VAULT_PASSPHRASE") ? "present" : "absent"
    render plain: lines.join + "(YAML_VAULT_PASSPHRASE in the environment: #{passphrase})\n"
  end

  private

  def masked(value, path = nil)
    return value.flat_map { |key, inner| masked(inner, [path, key].compact.join(".")) } if value.is_a?(Hash)

    text = value.to_s
    digest = Digest::SHA256.hexdigest(text)[0, 8]
    [[path, "#{text[0]}*** (#{value.class}, #{text.length} characters, sha256 #{digest})"]]
  end
end
