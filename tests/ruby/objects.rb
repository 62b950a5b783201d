# Writes and reads objects with aws-sdk-s3's encryption clients, as a Rails app does.
# Usage: ruby objects.rb <orders.json, a list of
#   {"verb": "put"|"get", "version": "v1"|"v2"|"legacy", "place": "metadata"|"instruction_file",
#    "key": KEY, "context": {}, "content": BASE64}
# Answers with a list of {"content": BASE64} or {"error": TEXT}. AWS's endpoint is in $AWS_ENDPOINT_URL.
require "base64"
require "json"
require "aws-sdk-s3"
require "aws-sdk-kms"

own = {
  endpoint: ENV.fetch("AWS_ENDPOINT_URL"), region: "us-east-1",
  credentials: Aws::Credentials.new("AKIDTEST", "secret")
}
shared = {
  client: Aws::S3::Client.new(force_path_style: true, **own),
  kms_client: Aws::KMS::Client.new(**own),
  kms_key_id: "alias/fixed"
}

client = lambda do |version, place|
  options = { envelope_location: place.to_sym, **shared }
  next Aws::S3::Encryption::Client.new(**options) if version == "v1"

  Aws::S3::EncryptionV2::Client.new(
    key_wrap_schema: :kms_context, content_encryption_schema: :aes_gcm_no_padding,
    security_profile: version == "legacy" ? :v2_and_legacy : :v2, **options
  )
end

answers = JSON.parse($stdin.read).map do |order|
  object = { bucket: "bucket", key: order["key"] }
  object[:kms_encryption_context] = order["context"] unless order["context"].empty?
  one = client.(order["version"], order["place"])
  if order["verb"] == "put"
    one.put_object(body: Base64.strict_decode64(order["content"]), **object)
    {}
  else
    # Debian's KMS client is older than the parameter KeyId of Decrypt.
    object[:kms_allow_decrypt_with_any_cmk] = true unless order["version"] == "v1"
    { content: Base64.strict_encode64(one.get_object(**object).body.read) }
  end
rescue StandardError => e
  { error: "#{e.class}: #{e.message}" }
end
puts JSON.generate(answers)
