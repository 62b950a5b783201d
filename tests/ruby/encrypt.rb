# Encrypts one text with ActiveSupport, for entryctl to read.
# Usage: ruby encrypt.rb TEXT CIPHER DIGEST SALT
require "logger"
require "active_support"
require "active_support/key_generator"
require "active_support/message_encryptor"

text, cipher, digest, salt = ARGV
length = ActiveSupport::MessageEncryptor.key_len(cipher)
derive = ->(passphrase, len) { ActiveSupport::KeyGenerator.new(passphrase).generate_key(salt, len) }
keys = [derive.(ENV.fetch("YAML_VAULT_PASSPHRASE"), length)]
sign = ENV["YAML_VAULT_SIGN_PASSPHRASE"]
keys << derive.(sign, 64) if sign
print ActiveSupport::MessageEncryptor.new(*keys, cipher: cipher, digest: digest).encrypt_and_sign(text)
