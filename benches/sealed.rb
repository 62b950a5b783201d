# Gets client-side encrypted objects from S3 with the encryption client V2 of the AWS SDK for Ruby, one after
# the other, and says on standard error how long that took.
#
#   ruby sealed.rb ENDPOINT BUCKET OBJECTS OUT
require "aws-sdk-kms"
require "aws-sdk-s3"
require "json"

endpoint, bucket, objects, out = ARGV
clock = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) * 1000 }
client = Aws::S3::EncryptionV2::Client.new(
  client: Aws::S3::Client.new(endpoint: endpoint, force_path_style: true),
  kms_client: Aws::KMS::Client.new(endpoint: endpoint),
  kms_key_id: "alias/any", key_wrap_schema: :kms_context,
  content_encryption_schema: :aes_gcm_no_padding, security_profile: :v2
)

start = clock.()
Integer(objects).times do |number|
  client.get_object(
    bucket: bucket, key: "file-#{number}", response_target: "#{out}/file-#{number}",
    # Debian's KMS client is older than the parameter KeyId of Decrypt.
    kms_allow_decrypt_with_any_cmk: true
  )
end
warn JSON.generate(kms_ms: 0, s3_ms: (clock.() - start).round)
