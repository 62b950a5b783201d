# Decrypts a file of entryctl's with Rails' own parts, as the yaml_vault gem does: Psych's tree, and
# ActiveSupport's MessageEncryptor with its key generator. Writes Ruby's view of the values as JSON.
# Usage: ruby decrypt.rb FILE CIPHER DIGEST SALT; passphrases in the gem's environment variables.
require "logger"
require "json"
require "yaml"
require "active_support"
require "active_support/key_generator"
require "active_support/message_encryptor"

file, cipher, digest, salt = ARGV
length = ActiveSupport::MessageEncryptor.key_len(cipher)
derive = ->(passphrase, len) { ActiveSupport::KeyGenerator.new(passphrase).generate_key(salt, len) }
keys = [derive.(ENV.fetch("YAML_VAULT_PASSPHRASE"), length)]
sign = ENV["YAML_VAULT_SIGN_PASSPHRASE"]
keys << derive.(sign, 64) if sign
encryptor = ActiveSupport::MessageEncryptor.new(*keys, cipher: cipher, digest: digest)

# The gem's rule for tags, on every node.
restore = lambda do |node|
  text = encryptor.decrypt_and_verify(node.value)
  if (found = text.match(/\A(!.*?)\s+(.*)\z/))
    node.tag, node.value = found[1], found[2]
    node.plain = node.quoted = false
  else
    node.value = text
    node.tag = nil
    node.quoted = node.style != Psych::Nodes::Scalar::PLAIN && !node.plain
  end
end

walk = lambda do |node|
  case node
  when Psych::Nodes::Mapping
    node.children.each_slice(2) { |_key, value| walk.(value) }
  when Psych::Nodes::Scalar
    restore.(node)
  else
    node.children&.each(&walk)
  end
end

stream = Psych.parse_stream(File.read(file))
walk.(stream)
values = Psych.unsafe_load(stream.to_yaml)
puts JSON.generate(values.transform_values { |value| [value.class.name, value.to_s] })
