# Decrypts a file of aws-kms values and gets objects from S3 with the AWS SDK for Ruby, one after the other
# as the yaml_vault gem does it, and says on standard error how long each part took.
#
#   ruby one_by_one.rb ENDPOINT SECRETS.yml BUCKET OBJECTS OUT
require "aws-sdk-kms"
require "aws-sdk-s3"
require "base64"
require "json"
require "yaml"

endpoint, secrets, bucket, objects, out = ARGV
clock = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) * 1000 }
kms = Aws::KMS::Client.new(endpoint: endpoint)
s3 = Aws::S3::Client.new(endpoint: endpoint, force_path_style: true)

start = clock.()
values = YAML.load_file(secrets).fetch("production").transform_values do |message|
  YAML.load(kms.decrypt(ciphertext_blob: Base64.strict_decode64(message)).plaintext)
end
File.write("#{out}/secrets.yml", "production:\n" + values.map { |name, value| "  #{name}: #{value}\n" }.join)
decrypted = clock.()
Integer(objects).times do |number|
  s3.get_object(bucket: bucket, key: "file-#{number}", response_target: "#{out}/file-#{number}")
end
warn JSON.generate(kms_ms: (decrypted - start).round, s3_ms: (clock.() - decrypted).round)
