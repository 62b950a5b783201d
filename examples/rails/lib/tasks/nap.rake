desc "Sleep for SECONDS; an interruption shows as a missing `done`"
task :nap, [:seconds] do |_task, args|
  puts "nap: start"
  sleep Float(args[:seconds] || 3)
  puts "nap: done"
ensure
  puts "nap: ensure"
end
